# control: socket, commands, JSON. jansson lives here.

core_libcore_a_SOURCES += \
	core/control/control.c \
	core/control/control.h \
	core/control/private.h \
	core/control/request.c

# Headers that a plugin reaches through holdline.h
holdlinecontroldir = $(holdlinedir)/control
holdlinecontrol_HEADERS =
