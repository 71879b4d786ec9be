"""`python -m services.identity …`"""

from services.chassis.main import run

run("services.identity.bootstrap:SERVICE")
