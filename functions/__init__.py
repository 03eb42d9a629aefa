"""One folder is one Lambda function is one verb: a handler that translates, and pure modules that decide."""
