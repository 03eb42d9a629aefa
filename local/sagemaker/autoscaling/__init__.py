"""Application Auto Scaling for the instance counts of production variants."""
