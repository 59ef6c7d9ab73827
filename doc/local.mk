# Man pages and guides.

dist_man_MANS += \
	doc/holdline.8 \
	doc/holdlinectl.1

# Its parameters are those of the rows, so it is made when the switch and its plugins are.
nodist_man_MANS += \
	doc/holdline.yaml.5

doc/holdline.yaml.5: doc/holdline.yaml.5.in doc/parameters.pl holdline $(pkglib_LTLIBRARIES)
	$(AM_V_GEN)$(MKDIR_P) doc && \
	HOLDLINE_PLUGIN_DIR=plugins/.libs ./holdline --params=json >$@.json && \
	$(PERL) '$(srcdir)/doc/parameters.pl' '$(srcdir)/doc/holdline.yaml.5.in' <$@.json >$@.new && \
	mv $@.new $@ && rm -f $@.json

CLEANFILES += \
	doc/holdline.yaml.5 \
	doc/holdline.yaml.5.json \
	doc/holdline.yaml.5.new

EXTRA_DIST += \
	doc/holdline.yaml.5.in \
	doc/parameters.pl

dist_doc_DATA += \
	README.md \
	doc/architecture.md \
	doc/plugins.md \
	doc/policy.md
