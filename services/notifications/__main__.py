"""`python -m services.notifications grpc | worker | deliver | relay | migrate | …`."""

from services.chassis.main import run

run("services.notifications.bootstrap:SERVICE")
