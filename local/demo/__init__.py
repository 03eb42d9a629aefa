"""`make demo`: the whole product on the embedded cloud, from a dropped dataset to an approved endpoint."""
