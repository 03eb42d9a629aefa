"""Invocations of endpoints: routing, errors, metrics, data capture."""
