# Configuration: what an installation begins with, and the deployment scenarios to include.

conf_files = \
	etc/holdline.yaml

dist_scenario_DATA += \
	etc/scenarios/call-center.yaml \
	etc/scenarios/constrained.yaml \
	etc/scenarios/enterprise.yaml \
	etc/scenarios/high-security.yaml \
	etc/scenarios/large.yaml \
	etc/scenarios/medium.yaml \
	etc/scenarios/mobile.yaml \
	etc/scenarios/small-office.yaml \
	etc/scenarios/strict-nat.yaml \
	etc/scenarios/wholesale.yaml

EXTRA_DIST += \
	$(conf_files) \
	etc/demo.yaml
