"""Reads and judges tables as people have them. Used before training is paid for, and by the training job itself."""
