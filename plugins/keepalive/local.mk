# With its first source the module moves from EXTRA_LTLIBRARIES to pkglib_LTLIBRARIES.

EXTRA_LTLIBRARIES += plugins/keepalive.la
plugins_keepalive_la_SOURCES =
plugins_keepalive_la_LDFLAGS = $(PLUGIN_LINK)
plugins_keepalive_la_LIBADD =
