"""`train`: from the channels' CSV files to an exported, evaluated model."""
