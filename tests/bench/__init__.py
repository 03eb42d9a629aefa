"""Measures the product against what it promises. `make bench` runs it; nothing here is a test."""
