"""Looks after questions to people between their visits."""
