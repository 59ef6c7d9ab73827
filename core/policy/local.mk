# policy: Lua state, limits, views, decisions. Lua lives here.

core_libcore_a_SOURCES += \
	core/policy/decision.c \
	core/policy/explain.c \
	core/policy/globals.c \
	core/policy/host.c \
	core/policy/host.h \
	core/policy/keys.c \
	core/policy/library.c \
	core/policy/life.c \
	core/policy/pattern.c \
	core/policy/pattern.h \
	core/policy/policy.c \
	core/policy/proxy.c \
	core/policy/rule.c \
	core/policy/sandbox.c \
	core/policy/strings.c \
	core/policy/views.c

# Headers that a plugin reaches through holdline.h
holdlinepolicydir = $(holdlinedir)/policy
holdlinepolicy_HEADERS = \
	core/policy/policy.h
