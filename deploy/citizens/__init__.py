"""Synthetic citizens of a territory: enough like real ones to test with, and none of them real."""
