# call: call, leg, offer/answer, routing, reaper, CDR.

core_libcore_a_SOURCES += \
	core/call/admission.c \
	core/call/call.c \
	core/call/call.h \
	core/call/cdr.c \
	core/call/challenge.c \
	core/call/dialog.c \
	core/call/exchange.c \
	core/call/failure.c \
	core/call/identity.c \
	core/call/ladder.c \
	core/call/leg.c \
	core/call/machine.c \
	core/call/names.c \
	core/call/private.h \
	core/call/redirect.c \
	core/call/reliable.c \
	core/call/replaces.c \
	core/call/routing.c \
	core/call/session.c \
	core/call/setup.c

# Headers that a plugin reaches through holdline.h
holdlinecalldir = $(holdlinedir)/call
holdlinecall_HEADERS = \
	core/call/cdr.h \
	core/call/leg.h \
	core/call/view.h
