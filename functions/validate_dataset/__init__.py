"""Refuses a dataset that breaks its model's rules, before training is paid for."""
