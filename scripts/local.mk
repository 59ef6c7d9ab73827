# Policies: the stock one, and examples to start from.

dist_pkgdata_DATA += \
	scripts/policy.lua

dist_example_DATA += \
	scripts/examples/cgnat.lua \
	scripts/examples/hotdesk.lua \
	scripts/examples/office-hours.lua
