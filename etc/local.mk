# Configuration: what an installation begins with, and the deployment scenarios to include.

conf_files =

dist_scenario_DATA +=

EXTRA_DIST += $(conf_files)
