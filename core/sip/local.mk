# sip: message, SDP, digest, transport, transaction. libosip2 and OpenSSL live here.

core_libcore_a_SOURCES += \
	core/sip/connection.c \
	core/sip/connection_limit.c \
	core/sip/credentials.c \
	core/sip/credentials.h \
	core/sip/digest.c \
	core/sip/frame.c \
	core/sip/frame.h \
	core/sip/keyed.c \
	core/sip/keyed.h \
	core/sip/listener.c \
	core/sip/message.c \
	core/sip/message_contact.c \
	core/sip/message_header.c \
	core/sip/message_name.c \
	core/sip/message_parse.c \
	core/sip/message_parts.h \
	core/sip/message_read.c \
	core/sip/message_via.c \
	core/sip/nonce.c \
	core/sip/sdp.c \
	core/sip/tls.c \
	core/sip/tls.h \
	core/sip/transaction.c \
	core/sip/transaction_client.c \
	core/sip/transaction_key.c \
	core/sip/transaction_key.h \
	core/sip/transaction_machine.c \
	core/sip/transaction_parts.h \
	core/sip/transport.c \
	core/sip/transport_parts.h \
	core/sip/uri.c

# Headers that a plugin reaches through holdline.h
holdlinesipdir = $(holdlinedir)/sip
holdlinesip_HEADERS = \
	core/sip/digest.h \
	core/sip/message.h \
	core/sip/sdp.h \
	core/sip/transaction.h \
	core/sip/transport.h \
	core/sip/uri.h
