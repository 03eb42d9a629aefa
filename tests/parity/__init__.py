"""Whether exported models answer as the estimators do, on rows made to find out: `make parity`."""
