"""JSONata as Step Functions speaks it: jsonata-python with AWS's functions, values instead of text, AWS's refusals."""
