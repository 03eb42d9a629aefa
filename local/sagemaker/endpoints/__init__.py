"""Endpoints, run for real: a serving process for each instance of each production variant."""
