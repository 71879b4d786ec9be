"""What the tests of notifications share."""
