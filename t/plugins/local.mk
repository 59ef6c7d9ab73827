# Plugins that only tests load. Those made from probe.c differ in name and in what is said here.

check_LTLIBRARIES += \
	t/plugins/apple.la \
	t/plugins/bad-default.la \
	t/plugins/fig.la \
	t/plugins/left.la \
	t/plugins/melon.la \
	t/plugins/misnamed.la \
	t/plugins/no-symbol.la \
	t/plugins/right.la \
	t/plugins/unresolved.la \
	t/plugins/wrong-abi.la \
	t/plugins/zebra.la

# Built by t/plugin.t and t/plugin-areas.t as one who has no more than the installed headers would.
EXTRA_DIST += \
	t/plugins/area-contact.c \
	t/plugins/area-datagram.c \
	t/plugins/area-leg.c \
	t/plugins/area-request.c \
	t/plugins/area-review.c \
	t/plugins/area-sdp.c \
	t/plugins/area-timer.c \
	t/plugins/call-limit.c \
	t/plugins/probe.h

t_plugins_apple_la_SOURCES = t/plugins/probe.c
t_plugins_apple_la_LDFLAGS = $(TEST_PLUGIN_LINK)
t_plugins_apple_la_CPPFLAGS = $(AM_CPPFLAGS) -DPROBE_NAME='"apple"' -DPROBE_NEEDS='"melon"'

t_plugins_fig_la_SOURCES = t/plugins/probe.c
t_plugins_fig_la_LDFLAGS = $(TEST_PLUGIN_LINK)
t_plugins_fig_la_CPPFLAGS = $(AM_CPPFLAGS) -DPROBE_NAME='"fig"' -DPROBE_AFTER='"absent", "zebra"'

t_plugins_left_la_SOURCES = t/plugins/probe.c
t_plugins_left_la_LDFLAGS = $(TEST_PLUGIN_LINK)
t_plugins_left_la_CPPFLAGS = $(AM_CPPFLAGS) -DPROBE_NAME='"left"' -DPROBE_AFTER='"right"'

t_plugins_melon_la_SOURCES = t/plugins/probe.c
t_plugins_melon_la_LDFLAGS = $(TEST_PLUGIN_LINK)
t_plugins_melon_la_CPPFLAGS = $(AM_CPPFLAGS) -DPROBE_NAME='"melon"'

t_plugins_right_la_SOURCES = t/plugins/probe.c
t_plugins_right_la_LDFLAGS = $(TEST_PLUGIN_LINK)
t_plugins_right_la_CPPFLAGS = $(AM_CPPFLAGS) -DPROBE_NAME='"right"' -DPROBE_NEEDS='"left"'

t_plugins_zebra_la_SOURCES = t/plugins/probe.c
t_plugins_zebra_la_LDFLAGS = $(TEST_PLUGIN_LINK)
t_plugins_zebra_la_CPPFLAGS = $(AM_CPPFLAGS) -DPROBE_NAME='"zebra"'

t_plugins_misnamed_la_SOURCES = t/plugins/probe.c
t_plugins_misnamed_la_LDFLAGS = $(TEST_PLUGIN_LINK)
t_plugins_misnamed_la_CPPFLAGS = $(AM_CPPFLAGS) -DPROBE_NAME='"otherwise"'

t_plugins_no_symbol_la_SOURCES = t/plugins/probe.c
t_plugins_no_symbol_la_LDFLAGS = $(TEST_PLUGIN_LINK)
t_plugins_no_symbol_la_CPPFLAGS = $(AM_CPPFLAGS) -DPROBE_NAME='"no-symbol"' -DPROBE_SYMBOL=hl_plug

t_plugins_unresolved_la_SOURCES = t/plugins/probe.c
t_plugins_unresolved_la_LDFLAGS = $(TEST_PLUGIN_LINK)
t_plugins_unresolved_la_CPPFLAGS = $(AM_CPPFLAGS) -DPROBE_NAME='"unresolved"' -DPROBE_UNRESOLVED

t_plugins_wrong_abi_la_SOURCES = t/plugins/probe.c
t_plugins_wrong_abi_la_LDFLAGS = $(TEST_PLUGIN_LINK)
t_plugins_wrong_abi_la_CPPFLAGS = $(AM_CPPFLAGS) -DPROBE_NAME='"wrong-abi"' -DPROBE_ABI=99

t_plugins_bad_default_la_SOURCES = t/plugins/probe.c
t_plugins_bad_default_la_LDFLAGS = $(TEST_PLUGIN_LINK)
t_plugins_bad_default_la_CPPFLAGS = $(AM_CPPFLAGS) -DPROBE_NAME='"bad-default"' \
	-DPROBE_DEFAULT='"77"'
