# The switch: everything but main() is a library, so that the C units link it too.

core_libcore_a_SOURCES =

include core/base/local.mk
include core/loop/local.mk
include core/config/local.mk
include core/sip/local.mk
include core/endpoint/local.mk
include core/gateway/local.mk
include core/call/local.mk
include core/policy/local.mk
include core/plugin/local.mk
include core/store/local.mk
include core/control/local.mk

# Files of core/ itself, without main.c
core_libcore_a_SOURCES += \
	core/commands.c \
	core/decide.c \
	core/explain.c \
	core/from_vos3000.c \
	core/kept.c \
	core/kept.h \
	core/kept_calls.c \
	core/kept_contacts.c \
	core/metrics.c \
	core/params.c \
	core/pasted.c \
	core/pasted.h \
	core/rehearse.c \
	core/reload.c \
	core/run.h \
	core/script_functions.c \
	core/setting.c \
	core/subscriber_command.c \
	core/subscribers.c \
	core/subscribers.h \
	core/switch.c \
	core/traffic.c

# What a plugin sees of core/ itself
holdlinedir = $(includedir)/holdline
holdline_HEADERS = \
	core/holdline.h \
	core/switch.h

# All of the library is linked in and exported: the plugins need what main() does not.
holdline_SOURCES = core/main.c
holdline_LDFLAGS = $(AM_LDFLAGS) -export-dynamic -Wl,--whole-archive,core/libcore.a,--no-whole-archive
holdline_LDADD = $(LIBRARY_LIBS)
EXTRA_holdline_DEPENDENCIES = core/libcore.a
