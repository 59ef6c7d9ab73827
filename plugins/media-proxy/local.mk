# With its first source the module moves from EXTRA_LTLIBRARIES to pkglib_LTLIBRARIES.

EXTRA_LTLIBRARIES += plugins/media-proxy.la
plugins_media_proxy_la_SOURCES =
plugins_media_proxy_la_LDFLAGS = $(PLUGIN_LINK)
plugins_media_proxy_la_LIBADD =
