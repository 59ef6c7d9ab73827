# With its first source the module moves from EXTRA_LTLIBRARIES to pkglib_LTLIBRARIES.

EXTRA_LTLIBRARIES += plugins/registrar.la
plugins_registrar_la_SOURCES =
plugins_registrar_la_LDFLAGS = $(PLUGIN_LINK)
plugins_registrar_la_LIBADD =
