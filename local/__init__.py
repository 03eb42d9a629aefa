"""The embedded cloud: the whole product on a laptop, from the same templates, definitions and zips as on AWS."""
