# media-proxy: relays RTP where it must.

pkglib_LTLIBRARIES += plugins/media-proxy.la
plugins_media_proxy_la_SOURCES = \
	plugins/media-proxy/control.c \
	plugins/media-proxy/control.h \
	plugins/media-proxy/decision.c \
	plugins/media-proxy/decision.h \
	plugins/media-proxy/engine.h \
	plugins/media-proxy/exchange.c \
	plugins/media-proxy/exchange.h \
	plugins/media-proxy/learn.c \
	plugins/media-proxy/learn.h \
	plugins/media-proxy/media-proxy.c \
	plugins/media-proxy/media.h \
	plugins/media-proxy/metrics.c \
	plugins/media-proxy/metrics.h \
	plugins/media-proxy/ports.c \
	plugins/media-proxy/ports.h \
	plugins/media-proxy/quality.c \
	plugins/media-proxy/quality.h \
	plugins/media-proxy/relay.c \
	plugins/media-proxy/relay.h \
	plugins/media-proxy/report.c \
	plugins/media-proxy/report.h \
	plugins/media-proxy/rtp.c \
	plugins/media-proxy/rtp.h \
	plugins/media-proxy/silence.c \
	plugins/media-proxy/silence.h \
	plugins/media-proxy/stream.c \
	plugins/media-proxy/worker.c \
	plugins/media-proxy/worker.h
plugins_media_proxy_la_LDFLAGS = $(PLUGIN_LINK)
plugins_media_proxy_la_LIBADD = -lm

EXTRA_DIST += plugins/media-proxy/README.md

check_PROGRAMS += \
	t/unit/media_control \
	t/unit/media_decision \
	t/unit/media_exchange \
	t/unit/media_learn \
	t/unit/media_ports \
	t/unit/media_quality \
	t/unit/media_relay \
	t/unit/media_rtp
t_unit_media_control_SOURCES = t/unit/media_control.c plugins/media-proxy/control.c
t_unit_media_control_CFLAGS = $(AM_CFLAGS)
t_unit_media_decision_SOURCES = t/unit/media_decision.c plugins/media-proxy/decision.c
t_unit_media_decision_CFLAGS = $(AM_CFLAGS)
t_unit_media_exchange_SOURCES = \
	t/unit/media_exchange.c \
	t/unit/media_stub.h \
	plugins/media-proxy/control.c \
	plugins/media-proxy/decision.c \
	plugins/media-proxy/exchange.c \
	plugins/media-proxy/learn.c \
	plugins/media-proxy/ports.c \
	plugins/media-proxy/quality.c \
	plugins/media-proxy/relay.c \
	plugins/media-proxy/report.c \
	plugins/media-proxy/rtp.c \
	plugins/media-proxy/silence.c \
	plugins/media-proxy/stream.c \
	plugins/media-proxy/worker.c
t_unit_media_exchange_CFLAGS = $(AM_CFLAGS)
t_unit_media_learn_SOURCES = t/unit/media_learn.c plugins/media-proxy/learn.c
t_unit_media_learn_CFLAGS = $(AM_CFLAGS)
t_unit_media_ports_SOURCES = t/unit/media_ports.c plugins/media-proxy/ports.c
t_unit_media_ports_CFLAGS = $(AM_CFLAGS)
t_unit_media_quality_SOURCES = t/unit/media_quality.c plugins/media-proxy/quality.c
t_unit_media_quality_CFLAGS = $(AM_CFLAGS)
t_unit_media_relay_SOURCES = \
	t/unit/media_relay.c \
	plugins/media-proxy/control.c \
	plugins/media-proxy/learn.c \
	plugins/media-proxy/relay.c \
	plugins/media-proxy/rtp.c \
	plugins/media-proxy/worker.c
t_unit_media_relay_CFLAGS = $(AM_CFLAGS)
t_unit_media_rtp_SOURCES = t/unit/media_rtp.c plugins/media-proxy/rtp.c
t_unit_media_rtp_CFLAGS = $(AM_CFLAGS)
