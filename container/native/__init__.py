"""Our own evaluator of tree ensembles, in C: sources → build → library → what serves.

A plain shared library without a header of Python's, so that any C compiler builds it for any Python.
"""
