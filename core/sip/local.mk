# sip: message, SDP, digest, transport, transaction. libosip2 and OpenSSL live here.

core_libcore_a_SOURCES +=

# Headers that a plugin reaches through holdline.h
holdlinesipdir = $(holdlinedir)/sip
holdlinesip_HEADERS =
