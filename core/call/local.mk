# call: call, leg, offer/answer, routing, reaper, CDR.

core_libcore_a_SOURCES +=

# Headers that a plugin reaches through holdline.h
holdlinecalldir = $(holdlinedir)/call
holdlinecall_HEADERS = \
	core/call/cdr.h \
	core/call/leg.h \
	core/call/view.h
