"""Finds why a stack's deployment failed: the first cause among its events, which may fill many pages."""
