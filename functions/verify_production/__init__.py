"""Checks that production serves the release that was deployed to it: healthy, this artefact, the recorded answers."""
