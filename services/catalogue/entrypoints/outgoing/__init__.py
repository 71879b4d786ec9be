"""Calls that catalogue makes to other services."""
