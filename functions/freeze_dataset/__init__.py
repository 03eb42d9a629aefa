"""Copies what was dropped under the run's own key, so that validation and training work on the same bytes."""
