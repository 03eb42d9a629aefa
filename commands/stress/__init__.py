"""`make stress`: load on an endpoint, what it did to it, and what follows for its scaling."""
