"""The two state machines as ASL in YAML, and the loader that checks them and makes the JSON that AWS takes."""
