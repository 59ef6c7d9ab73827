# Man pages and guides.

nodist_man_MANS += \
	doc/holdline.8 \
	doc/holdline.yaml.5 \
	doc/holdlinectl.1

# The pages name the directories that configure was given.
MAN_PLACES = sed \
	-e 's|[@]localstatedir[@]|$(localstatedir)|g' \
	-e 's|[@]pkgdatadir[@]|$(pkgdatadir)|g' \
	-e 's|[@]runstatedir[@]|$(runstatedir)|g' \
	-e 's|[@]sysconfdir[@]|$(sysconfdir)|g'

doc/holdline.8: doc/holdline.8.in Makefile
	$(AM_V_GEN)$(MKDIR_P) doc && $(MAN_PLACES) '$(srcdir)/doc/holdline.8.in' >$@.new && mv $@.new $@

doc/holdlinectl.1: doc/holdlinectl.1.in Makefile
	$(AM_V_GEN)$(MKDIR_P) doc && $(MAN_PLACES) '$(srcdir)/doc/holdlinectl.1.in' >$@.new && mv $@.new $@

# Its parameters are those of the rows, so it is made when the switch and its plugins are.
doc/holdline.yaml.5: doc/holdline.yaml.5.in doc/parameters.pl holdline $(pkglib_LTLIBRARIES)
	$(AM_V_GEN)$(MKDIR_P) doc && \
	HOLDLINE_PLUGIN_DIR=plugins/.libs ./holdline --params=json >$@.json && \
	$(PERL) '$(srcdir)/doc/parameters.pl' '$(srcdir)/doc/holdline.yaml.5.in' <$@.json >$@.page && \
	$(MAN_PLACES) $@.page >$@.new && mv $@.new $@ && rm -f $@.json $@.page

CLEANFILES += \
	doc/holdline.8 \
	doc/holdline.8.new \
	doc/holdline.yaml.5 \
	doc/holdline.yaml.5.json \
	doc/holdline.yaml.5.new \
	doc/holdline.yaml.5.page \
	doc/holdlinectl.1 \
	doc/holdlinectl.1.new

EXTRA_DIST += \
	doc/holdline.8.in \
	doc/holdline.yaml.5.in \
	doc/holdlinectl.1.in \
	doc/parameters.pl

dist_doc_DATA += \
	README.md \
	doc/architecture.md \
	doc/plugins.md \
	doc/policy.md
