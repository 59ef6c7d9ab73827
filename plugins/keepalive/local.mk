# keepalive: heartbeats for endpoints behind NAT.

pkglib_LTLIBRARIES += plugins/keepalive.la
plugins_keepalive_la_SOURCES = \
	plugins/keepalive/beat.c \
	plugins/keepalive/keepalive.c \
	plugins/keepalive/keepalive.h \
	plugins/keepalive/outlet.c \
	plugins/keepalive/pacer.c \
	plugins/keepalive/pacer.h \
	plugins/keepalive/pong.c \
	plugins/keepalive/profile.c \
	plugins/keepalive/ring.c \
	plugins/keepalive/ring.h \
	plugins/keepalive/send.c \
	plugins/keepalive/show.c \
	plugins/keepalive/sizing.c
plugins_keepalive_la_LDFLAGS = $(PLUGIN_LINK)
plugins_keepalive_la_LIBADD =

EXTRA_DIST += plugins/keepalive/README.md
