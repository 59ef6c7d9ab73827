# Benches: CPU time per operation of the switch process.

EXTRA_DIST +=
