"""`make destroy`: takes a deployment away, in the order in which nothing is left behind or in another's way."""
