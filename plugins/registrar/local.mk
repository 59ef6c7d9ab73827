# registrar: registrations (RFC 3261 §10) and who calls (§22).

pkglib_LTLIBRARIES += plugins/registrar.la
plugins_registrar_la_SOURCES = \
	plugins/registrar/auth.c \
	plugins/registrar/fields.c \
	plugins/registrar/register.c \
	plugins/registrar/registrar.c \
	plugins/registrar/registrar.h \
	plugins/registrar/request.h \
	plugins/registrar/suspension.c \
	plugins/registrar/suspension.h
plugins_registrar_la_LDFLAGS = $(PLUGIN_LINK)
plugins_registrar_la_LIBADD =

EXTRA_DIST += plugins/registrar/README.md
