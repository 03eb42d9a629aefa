"""`make bench-serving`: what an answer costs beside the servers that others put around the same trees."""
