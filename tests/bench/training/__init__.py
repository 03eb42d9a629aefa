"""`make bench-training`: what training and validation cost beside pandas with scikit-learn, and beside polars alone."""
