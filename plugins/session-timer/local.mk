# session-timer: RFC 4028 timers of each leg.

pkglib_LTLIBRARIES += plugins/session-timer.la
plugins_session_timer_la_SOURCES = \
	plugins/session-timer/arithmetic.c \
	plugins/session-timer/arithmetic.h \
	plugins/session-timer/session-timer.c \
	plugins/session-timer/settings.c \
	plugins/session-timer/settings.h
plugins_session_timer_la_LDFLAGS = $(PLUGIN_LINK)
plugins_session_timer_la_LIBADD =
EXTRA_DIST += plugins/session-timer/README.md
