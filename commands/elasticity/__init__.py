"""`make elasticity`: scaling policies beside each other on the same traffic, in simulated time."""
