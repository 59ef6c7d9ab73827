# plugin: loader, stages, registrations.

core_libcore_a_SOURCES += \
	core/plugin/loader.h

# Headers that a plugin reaches through holdline.h
holdlineplugindir = $(holdlinedir)/plugin
holdlineplugin_HEADERS = \
	core/plugin/plugin.h
