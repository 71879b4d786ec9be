"""The desk of a cooperative's staff."""
