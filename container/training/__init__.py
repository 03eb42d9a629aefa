"""`train`: from the channels' CSV files to an exported, evaluated model."""

import os

# Read by OpenMP when the first library that uses it is loaded. Else threads spin between two pieces of work, and where
# others want the processor too, XGBoost takes twenty times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import os

# A training instance is chosen by its peak of memory, and the allocator inside polars keeps for ten seconds what was
# freed. It reads this when polars is loaded.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:100,muzzy_decay_ms:0")
