# endpoint: endpoint, contact, NAT verdict, table.

core_libcore_a_SOURCES +=

# Headers that a plugin reaches through holdline.h
holdlineendpointdir = $(holdlinedir)/endpoint
holdlineendpoint_HEADERS = \
	core/endpoint/contact.h \
	core/endpoint/endpoint.h \
	core/endpoint/view.h
