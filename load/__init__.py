"""Requests to a SageMaker endpoint at the times that were planned, whatever the endpoint does, and what came of them.

`Traffic` runs a schedule from a process of its own; its `recording` tells second by second what was sent and answered.
"""
