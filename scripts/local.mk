# Policies: the stock one, and examples to start from.

dist_pkgdata_DATA +=

dist_example_DATA +=
