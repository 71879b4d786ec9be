"""`python -m services.catalogue grpc | worker | relay | migrate | load | slots | reconcile | …`."""

from services.chassis.main import run

if __name__ == "__main__":
    run("services.catalogue.bootstrap:SERVICE")
