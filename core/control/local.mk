# control: socket, commands, JSON. jansson lives here.

core_libcore_a_SOURCES += \
	core/control/control.h

# Headers that a plugin reaches through holdline.h
holdlinecontroldir = $(holdlinedir)/control
holdlinecontrol_HEADERS =
