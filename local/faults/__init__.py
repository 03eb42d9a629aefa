"""Faults on purpose: what is to go wrong in the embedded cloud, where and how often.

Off, and free of cost, while nothing is planned.
"""
