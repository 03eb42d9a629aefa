"""The front door: the emulator's gateway with our back ends, IAM closed, functions isolated, events delivered."""
