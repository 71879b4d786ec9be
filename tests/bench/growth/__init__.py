"""`python -m tests.bench.growth`: what more and more rows do to the time of each operation. See GROWTH.md."""
