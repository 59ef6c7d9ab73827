# endpoint: endpoint, contact, NAT verdict, table.

core_libcore_a_SOURCES += \
	core/endpoint/agent.c \
	core/endpoint/bind.c \
	core/endpoint/contact.c \
	core/endpoint/endpoint.c \
	core/endpoint/flow.c \
	core/endpoint/nat.c \
	core/endpoint/table.h \
	core/endpoint/view.c

# Headers that a plugin reaches through holdline.h
holdlineendpointdir = $(holdlinedir)/endpoint
holdlineendpoint_HEADERS = \
	core/endpoint/contact.h \
	core/endpoint/endpoint.h \
	core/endpoint/view.h
