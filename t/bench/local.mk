# Benches: CPU time per operation of the switch process. Never part of `make check`.
#
#	make bench                                all of them, beside the peers that are installed
#	make bench BENCHES="register call"        these
#	make bench BENCH_FLAGS="-v --peers=none"  every figure, and nobody to compare with

check_PROGRAMS += t/bench/load

t_bench_load_SOURCES = \
	t/bench/bench.c \
	t/bench/bench.h \
	t/bench/call.c \
	t/bench/calls.c \
	t/bench/calls.h \
	t/bench/calls_many.c \
	t/bench/contacts.c \
	t/bench/enrol.c \
	t/bench/enrol.h \
	t/bench/keepalive.c \
	t/bench/load.c \
	t/bench/md5.c \
	t/bench/md5.h \
	t/bench/register.c \
	t/bench/relay.c \
	t/bench/relay.h \
	t/bench/rtp.c \
	t/bench/sip.c \
	t/bench/sip.h \
	t/bench/transactions.c \
	t/bench/wire.c \
	t/bench/wire.h
# The load is not the switch: it links nothing of it.
t_bench_load_LDADD = -lm

EXTRA_DIST += \
	t/bench/Peer.pm \
	t/bench/run

bench: all t/bench/load$(EXEEXT)
	$(AM_V_at)$(TEST_ENVIRONMENT) '$(PERL)' '$(srcdir)/t/bench/run' $(BENCH_FLAGS) $(BENCHES)

.PHONY: bench
