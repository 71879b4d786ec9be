"""The rules of catalogue, in plain Python."""
