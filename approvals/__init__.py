"""What becomes of a question to people: one decision, and its way to the run that waits. Shared by functions."""
