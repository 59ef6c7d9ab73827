# C units. t/unit/slice is built from t/unit/slice.c and the core, nothing more to say; one that
# tests a plugin's file names it, and flags of its own so that it is compiled apart from the module:
#	t_unit_pacer_SOURCES = t/unit/pacer.c plugins/keepalive/pacer.c
#	t_unit_pacer_CFLAGS = $(AM_CFLAGS)

check_PROGRAMS += \
	t/unit/address \
	t/unit/call_property \
	t/unit/config \
	t/unit/control \
	t/unit/credentials \
	t/unit/deadline \
	t/unit/digest \
	t/unit/endpoint \
	t/unit/handle \
	t/unit/hash \
	t/unit/json \
	t/unit/log \
	t/unit/loop \
	t/unit/message \
	t/unit/message_fuzz \
	t/unit/metrics \
	t/unit/mistake \
	t/unit/pacer \
	t/unit/parameter \
	t/unit/pattern \
	t/unit/plugin \
	t/unit/policy \
	t/unit/policy_limits \
	t/unit/policy_rules \
	t/unit/policy_world \
	t/unit/pool \
	t/unit/row \
	t/unit/scenario \
	t/unit/sdp \
	t/unit/session_timer \
	t/unit/slice \
	t/unit/store \
	t/unit/store_rows \
	t/unit/stream \
	t/unit/subscriber \
	t/unit/suspension \
	t/unit/text \
	t/unit/timer \
	t/unit/tls \
	t/unit/transaction \
	t/unit/transaction_client \
	t/unit/transport \
	t/unit/udp \
	t/unit/uri

t_unit_message_fuzz_SOURCES = t/unit/message_fuzz.c t/fuzz/message.c t/fuzz/message.h
t_unit_message_fuzz_CFLAGS = $(AM_CFLAGS)

t_unit_session_timer_SOURCES = t/unit/session_timer.c plugins/session-timer/arithmetic.c
t_unit_session_timer_CFLAGS = $(AM_CFLAGS)

t_unit_suspension_SOURCES = t/unit/suspension.c plugins/registrar/suspension.c
t_unit_suspension_CFLAGS = $(AM_CFLAGS)
t_unit_pacer_SOURCES = t/unit/pacer.c plugins/keepalive/pacer.c plugins/keepalive/ring.c
t_unit_pacer_CFLAGS = $(AM_CFLAGS)

EXTRA_DIST += \
	t/fuzz/run.c \
	t/unit/call_agent.h \
	t/unit/config_file.h \
	t/unit/policy_script.h \
	t/unit/tap.h \
	t/unit/transaction_peer.h \
	t/unit/wire.h

# The plugins it loads take the core's functions from it.
t_unit_plugin_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
