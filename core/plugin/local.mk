# plugin: loader, stages, registrations.

core_libcore_a_SOURCES += \
	core/plugin/commands.c \
	core/plugin/loader.c \
	core/plugin/loader.h \
	core/plugin/metrics.c \
	core/plugin/module.c \
	core/plugin/order.c \
	core/plugin/private.h \
	core/plugin/registry.c \
	core/plugin/shared_object.c \
	core/plugin/space.c \
	core/plugin/stages.c

# Headers that a plugin reaches through holdline.h
holdlineplugindir = $(holdlinedir)/plugin
holdlineplugin_HEADERS = \
	core/plugin/plugin.h
