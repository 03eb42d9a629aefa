"""What people type: drop a dataset, watch the runs, approve or reject. On AWS, or wherever AWS_ENDPOINT_URL points."""
