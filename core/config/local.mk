# config: parameter rows, YAML, reload. libyaml lives here.

core_libcore_a_SOURCES += \
	core/config/account.c \
	core/config/arena.c \
	core/config/arena.h \
	core/config/base64.c \
	core/config/base64.h \
	core/config/config.c \
	core/config/document.c \
	core/config/document.h \
	core/config/gateway.c \
	core/config/gateway.h \
	core/config/gateway_address.c \
	core/config/lookup.c \
	core/config/mistake.c \
	core/config/nearest.c \
	core/config/nearest.h \
	core/config/network.c \
	core/config/node.c \
	core/config/parameter.c \
	core/config/parameter_list.c \
	core/config/policy_rows.c \
	core/config/reader.c \
	core/config/reader.h \
	core/config/rules.c \
	core/config/saved.c \
	core/config/sections.h \
	core/config/source.c \
	core/config/source.h \
	core/config/subscriber.c \
	core/config/subscriber.h \
	core/config/switch_rows.c \
	core/config/vos3000.c \
	core/config/vos3000.h

# Headers that a plugin reaches through holdline.h
holdlineconfigdir = $(holdlinedir)/config
holdlineconfig_HEADERS = \
	core/config/config.h \
	core/config/mistake.h \
	core/config/node.h \
	core/config/parameter.h
