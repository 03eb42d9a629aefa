"""`train`: from the channels' CSV files to an exported, evaluated model."""

import os

# Read by OpenMP when the first library that uses it is loaded. Else threads spin between two pieces of work, and where
# others want the processor too, XGBoost takes twenty times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
