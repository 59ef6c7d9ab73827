# Tests: C units in t/unit, Perl scenarios here, one runner for both.
#
#	make check                              everything
#	make check TESTS="t/house.t t/unit/x"   these
#	make check TEST_JOBS=4 TEST_TIMEOUT=90  at once; seconds each may take

include t/unit/local.mk
include t/bench/local.mk

perl_tests += \
	t/house.t

EXTRA_DIST += \
	t/guard \
	t/run

# Modules loaded by tests are built like plugins, but never installed.
TEST_PLUGIN_LINK = $(PLUGIN_LINK) -rpath /nonexistent

TESTS_FOUND = $(filter t/unit/%,$(check_PROGRAMS)) $(perl_tests)
TEST_ENVIRONMENT = \
	HOLDLINE='$(abs_builddir)/holdline' \
	HOLDLINECTL='$(abs_builddir)/holdlinectl' \
	HOLDLINE_PLUGIN_DIR='$(abs_builddir)/plugins/.libs' \
	HOLDLINE_SRCDIR='$(abs_srcdir)' \
	HOLDLINE_BUILDDIR='$(abs_builddir)' \
	HOLDLINE_SANITIZERS='$(SANITIZERS)' \
	PERL='$(PERL)' \
	PROVE='$(PROVE)'

check-local:
	$(AM_V_at)$(TEST_ENVIRONMENT) TEST_JOBS='$(TEST_JOBS)' TEST_TIMEOUT='$(TEST_TIMEOUT)' \
		'$(srcdir)/t/run' $(or $(TESTS),$(TESTS_FOUND))
