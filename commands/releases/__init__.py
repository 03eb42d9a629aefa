"""Shows what a model has released, goes back to a release, and shifts traffic between two that serve."""
