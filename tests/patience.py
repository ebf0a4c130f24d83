"""How long a test waits for what takes milliseconds and would otherwise hang: shared machines can be slow."""

PATIENCE = 20.0  # seconds
