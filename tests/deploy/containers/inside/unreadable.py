"""Publishes a message that nobody can read to this service's own queue, as one that is tried again."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import amqp

URL = urlsplit(Path("/run/secrets/amqp_url").read_text().strip())
with amqp.Connection(
    f"{URL.hostname}:{URL.port}",
    userid=URL.username,
    password=URL.password,
    virtual_host=URL.path[1:],
    confirm_publish=True,
) as connection:
    connection.channel().basic_publish(amqp.Message("?"), f"{URL.username}.events.retry", "again")
print(json.dumps(True))
