# Configuration: what an installation begins with, and the deployment scenarios to include.

conf_files = \
	etc/holdline.yaml

dist_scenario_DATA += \
	etc/scenarios/call-center.yaml \
	etc/scenarios/constrained.yaml \
	etc/scenarios/enterprise.yaml \
	etc/scenarios/high-security.yaml \
	etc/scenarios/large.yaml \
	etc/scenarios/medium.yaml \
	etc/scenarios/mobile.yaml \
	etc/scenarios/small-office.yaml \
	etc/scenarios/strict-nat.yaml \
	etc/scenarios/wholesale.yaml

# Every parameter at its default, from the rows: made like holdline.yaml(5).
nodist_example_DATA += \
	etc/holdline.yaml.full

etc/holdline.yaml.full: doc/parameters.pl holdline $(pkglib_LTLIBRARIES)
	$(AM_V_GEN)$(MKDIR_P) etc && \
	HOLDLINE_PLUGIN_DIR=plugins/.libs ./holdline --params=json >$@.json && \
	$(PERL) '$(srcdir)/doc/parameters.pl' --yaml <$@.json >$@.new && \
	mv $@.new $@ && rm -f $@.json

CLEANFILES += \
	etc/holdline.yaml.full \
	etc/holdline.yaml.full.json \
	etc/holdline.yaml.full.new

EXTRA_DIST += \
	$(conf_files) \
	etc/demo.yaml
