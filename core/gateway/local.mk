# gateway: gateways at run time: where they are, whether they live, registrations at them.

core_libcore_a_SOURCES += \
	core/gateway/location.c \
	core/gateway/picture.c \
	core/gateway/private.h \
	core/gateway/registration.c \
	core/gateway/registration_answer.c \
	core/gateway/search.c \
	core/gateway/search.h \
	core/gateway/supervision.c \
	core/gateway/trunk.c \
	core/gateway/trunk.h
