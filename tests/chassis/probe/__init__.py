"""A service with nothing but the chassis in it, for the tests of the chassis."""
