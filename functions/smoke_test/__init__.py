"""Sends held-out rows through the development endpoint: what it serves must answer as it did offline."""
