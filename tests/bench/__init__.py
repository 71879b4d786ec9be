"""`python -m tests.bench`: how fast the whole system is on this machine, beside its limits. See README.md."""
