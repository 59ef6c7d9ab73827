# config: parameter rows, YAML, reload. libyaml lives here.

core_libcore_a_SOURCES +=

# Headers that a plugin reaches through holdline.h
holdlineconfigdir = $(holdlinedir)/config
holdlineconfig_HEADERS = \
	core/config/config.h \
	core/config/mistake.h \
	core/config/node.h \
	core/config/parameter.h
