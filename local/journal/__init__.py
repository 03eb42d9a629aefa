"""What lets the cloud survive its process: service state, cloud time, executions."""
