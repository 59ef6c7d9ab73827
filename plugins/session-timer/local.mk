# With its first source the module moves from EXTRA_LTLIBRARIES to pkglib_LTLIBRARIES.

EXTRA_LTLIBRARIES += plugins/session-timer.la
plugins_session_timer_la_SOURCES =
plugins_session_timer_la_LDFLAGS = $(PLUGIN_LINK)
plugins_session_timer_la_LIBADD =
