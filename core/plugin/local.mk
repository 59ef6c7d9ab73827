# plugin: loader, stages, registrations.

core_libcore_a_SOURCES +=

# Headers that a plugin reaches through holdline.h
holdlineplugindir = $(holdlinedir)/plugin
holdlineplugin_HEADERS =
