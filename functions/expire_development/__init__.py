"""Removes development endpoints whose time is over."""
