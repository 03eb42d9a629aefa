"""Gives a release lease to the run whose turn it is."""
