# Tests: C units in t/unit, Perl scenarios here, one runner for both.
#
#	make check                              everything
#	make check TESTS="t/house.t t/unit/x"   these
#	make check TEST_JOBS=4 TEST_TIMEOUT=90  at once; seconds each may take
#	make soak                               what takes minutes to show: long calls, leaks

include t/unit/local.mk
include t/plugins/local.mk
include t/bench/local.mk

perl_tests += \
	t/C01-call.t \
	t/C02-endings.t \
	t/C03-forks.t \
	t/C04-gateway.t \
	t/C05-in-dialog.t \
	t/C06-delayed-offer.t \
	t/C07-tls.t \
	t/C07-transports.t \
	t/C08-moved.t \
	t/C09-closed.t \
	t/C10-pending.t \
	t/C11-gateways.t \
	t/C11-names.t \
	t/C12-limits.t \
	t/C13-loops.t \
	t/C14-reliable.t \
	t/C15-early.t \
	t/C16-races.t \
	t/C16-transfer.t \
	t/C17-headers.t \
	t/C18-bad-input.t \
	t/C19-routes.t \
	t/C20-odd-endpoints.t \
	t/C21-lost-caller.t \
	t/C22-policy-hosts.t \
	t/C23-hostile.t \
	t/C24-dialog-rules.t \
	t/C25-races.t \
	t/D02-call.t \
	t/D03-cdr.t \
	t/D03-endings.t \
	t/D03-restart.t \
	t/D04-scenarios.t \
	t/D05-vos3000.t \
	t/D06-set-up-timers.t \
	t/D07-gateway-headers.t \
	t/G01-bad-input.t \
	t/G01-odd-contacts.t \
	t/G01-outbound.t \
	t/G01-path.t \
	t/G01-register.t \
	t/G02-nat-verdict.t \
	t/G03-expiry.t \
	t/G03-jitter.t \
	t/G04-broken.t \
	t/G04-digest.t \
	t/G05-silence.t \
	t/G05-sipvicious.t \
	t/G05-suspension.t \
	t/G06-contacts.t \
	t/G07-gateway-registration.t \
	t/G07-refusals.t \
	t/G08-connection.t \
	t/G08-drain.t \
	t/G09-stored-contacts.t \
	t/G10-subscribers.t \
	t/K01-heartbeat.t \
	t/K02-socket.t \
	t/K03-message.t \
	t/K04-period.t \
	t/K05-full-socket.t \
	t/K05-pacing.t \
	t/K06-copies.t \
	t/K07-overrun.t \
	t/K08-sizing.t \
	t/K09-expiry.t \
	t/K10-stop-and-move.t \
	t/K11-policy.t \
	t/K11-wrong-answers.t \
	t/K12-methods.t \
	t/K13-noise.t \
	t/K14-targets.t \
	t/K15-phase.t \
	t/K16-activity.t \
	t/K17-namespaces.t \
	t/K18-nat.t \
	t/K19-reload.t \
	t/M01-modes.t \
	t/M02-auto.t \
	t/M03-reason.t \
	t/M04-ports.t \
	t/M04-threads.t \
	t/M05-learning.t \
	t/M05-third-party.t \
	t/M06-bad-sdp.t \
	t/M06-ice.t \
	t/M06-moves.t \
	t/M06-sessions.t \
	t/M06-srtp.t \
	t/M07-last-alive.t \
	t/M07-quality.t \
	t/M07-silence.t \
	t/M08-bad-packets.t \
	t/M08-unchanged.t \
	t/P01-policy.t \
	t/P02-policy-errors.t \
	t/P03-policy-rules.t \
	t/P04-turn.t \
	t/T02-negotiation.t \
	t/T03-chained.t \
	t/T03-refresh.t \
	t/T04-interval-too-small.t \
	t/T05-glare.t \
	t/T06-early-hangup.t \
	t/T06-refresh-failure.t \
	t/T08-absurd-interval.t \
	t/T08-no-timer.t \
	t/T09-probe.t \
	t/T10-off.t \
	t/T11-no-ack.t \
	t/baresip-call.t \
	t/baresip-streams.t \
	t/baresip-transfer.t \
	t/bench-smoke.t \
	t/clock-rate.t \
	t/config-accounts.t \
	t/config-check.t \
	t/config-cross.t \
	t/control-socket.t \
	t/control.t \
	t/demo.t \
	t/from-vos3000.t \
	t/holdlinectl.t \
	t/house.t \
	t/malformed.t \
	t/man.t \
	t/param.t \
	t/parameters.t \
	t/plugin-areas.t \
	t/plugin-tutorial.t \
	t/plugin.t \
	t/policy-doc.t \
	t/policy-explain.t \
	t/policy-test.t \
	t/reload-listeners.t \
	t/reload-soak.t \
	t/reload.t \
	t/sipp-3pcc.t \
	t/sipp-call.t \
	t/sipp-odd.t \
	t/sipp-register.t \
	t/state-rights.t \
	t/testlib.t

EXTRA_DIST += \
	t/demo \
	t/guard \
	t/lib/Holdline/Test.pm \
	t/lib/Holdline/Test/Baresip.pm \
	t/lib/Holdline/Test/Call.pm \
	t/lib/Holdline/Test/Certificate.pm \
	t/lib/Holdline/Test/Dns.pm \
	t/lib/Holdline/Test/Link.pm \
	t/lib/Holdline/Test/Loop.pm \
	t/lib/Holdline/Test/Media.pm \
	t/lib/Holdline/Test/Nat.pm \
	t/lib/Holdline/Test/Phone.pm \
	t/lib/Holdline/Test/Process.pm \
	t/lib/Holdline/Test/Registrar.pm \
	t/lib/Holdline/Test/Router.pm \
	t/lib/Holdline/Test/Rtp.pm \
	t/lib/Holdline/Test/Sip.pm \
	t/lib/Holdline/Test/Sipp.pm \
	t/lib/Holdline/Test/Sipvicious.pm \
	t/lib/Holdline/Test/Switch.pm \
	t/lib/Holdline/Test/Yaml.pm \
	t/run \
	t/sipp/3pcc_controller_a.xml \
	t/sipp/3pcc_controller_b.xml \
	t/sipp/uac_call.xml \
	t/sipp/uac_hold.xml \
	t/sipp/uac_odd.xml \
	t/sipp/uac_register.xml \
	t/sipp/uas_answer.xml \
	t/sipp/uas_odd.xml \
	t/sipp/uas_offer.xml

# Modules loaded by tests are built like plugins, but never installed.
TEST_PLUGIN_LINK = $(PLUGIN_LINK) -rpath /nonexistent

TESTS_FOUND = $(filter t/unit/%,$(check_PROGRAMS)) $(perl_tests)
TEST_ENVIRONMENT = \
	HOLDLINE='$(abs_builddir)/holdline' \
	HOLDLINECTL='$(abs_builddir)/holdlinectl' \
	HOLDLINE_BUILDDIR='$(abs_builddir)' \
	HOLDLINE_PLUGIN_DIR='$(abs_builddir)/plugins/.libs' \
	HOLDLINE_SANITIZERS='$(SANITIZERS)' \
	HOLDLINE_SRCDIR='$(abs_srcdir)' \
	PERL='$(PERL)' \
	PROVE='$(PROVE)'

# What takes minutes; never part of `make check`, or only in short. SOAK_MINUTES, SOAK_CALLS and SOAK
# (reloads under traffic) make it shorter.
soak_tests = \
	t/soak-calls.t \
	t/soak-media.t
EXTRA_DIST += $(soak_tests)

soak: all t/bench/load$(EXEEXT)
	$(AM_V_at)$(TEST_ENVIRONMENT) HOLDLINE_SOAK='$(or $(SOAK),10000)' HOLDLINE_TEST_PATIENCE=2 \
		TEST_JOBS=1 TEST_TIMEOUT=3600 '$(srcdir)/t/run' $(soak_tests) t/reload-soak.t

.PHONY: soak tests
tests: all $(check_PROGRAMS) $(check_LTLIBRARIES)

check-local:
	$(AM_V_at)$(TEST_ENVIRONMENT) TEST_JOBS='$(TEST_JOBS)' TEST_TIMEOUT='$(TEST_TIMEOUT)' \
		'$(srcdir)/t/run' $(or $(TESTS),$(TESTS_FOUND))
