"""What the given tables say, and what learns from which of their rows."""
