"""Tells people how a run ended: what happened, what production serves now, and what to do."""
