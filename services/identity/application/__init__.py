"""What one can do with identity: one use case per module."""
