"""What one can do with catalogue: one use case per file."""
