"""`make deploy` and `make diff`: from nothing to a deployment that takes datasets; again, and nothing changes."""
