"""The bookings of which a cooperative's own broker has events; it gets exchange and queue for them first.

Its URL is the argument.
"""

import json
import sys
from urllib.parse import urlsplit

import amqp

URL = urlsplit(sys.argv[1])
connection = amqp.Connection(
    f"{URL.hostname}:{URL.port}",
    userid=URL.username,
    password=URL.password,
    virtual_host=URL.path[1:],
    connect_timeout=5,
    read_timeout=5,
    write_timeout=5,
)
connection.connect()
channel = connection.channel()
channel.exchange_declare("ambito", "topic", durable=True, auto_delete=False)
channel.queue_declare("inbox", durable=True, auto_delete=False)
channel.queue_bind("inbox", "ambito", "#")
bookings = []
while (message := channel.basic_get("inbox")) is not None:  # unacknowledged: it stays
    bookings.append(json.loads(message.body)["booking_id"])
print(json.dumps(bookings))
connection.collect()
