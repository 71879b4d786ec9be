"""`python -m services.vouchers grpc | worker | relay | migrate | load | verify-ledger | holds | reconcile |
…`.
"""

from services.chassis.main import run

run("services.vouchers.bootstrap:SERVICE")
