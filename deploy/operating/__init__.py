"""What those who run an installation in containers do with it: `python -m deploy`."""
