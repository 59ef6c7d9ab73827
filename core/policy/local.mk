# policy: Lua state, limits, views, decisions. Lua lives here.

core_libcore_a_SOURCES +=

# Headers that a plugin reaches through holdline.h
holdlinepolicydir = $(holdlinedir)/policy
holdlinepolicy_HEADERS = \
	core/policy/policy.h
