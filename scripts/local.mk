# Policies: the stock one, and examples to start from.

dist_pkgdata_DATA += \
	scripts/policy.lua

dist_example_DATA += \
	scripts/examples/call-center.lua \
	scripts/examples/cgnat.lua \
	scripts/examples/hotdesk.lua \
	scripts/examples/least-cost.lua \
	scripts/examples/mobile-period.lua \
	scripts/examples/office-hours.lua \
	scripts/examples/premium-numbers.lua \
	scripts/examples/turn-credentials.lua \
	scripts/examples/turn-rest.lua \
	scripts/examples/vendor-payloads.lua
