"""A cooperative's own system, as its supplier would write it: `python subscriber.py ASYNCAPI_DOCUMENT SLUG`.

It knows the public AsyncAPI document and the broker's address (AMQP_URL), nothing else: it imports no code of
this project and uses another client library. It prints "ready", then every event as one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pika
import yaml


def main(document: Path, slug: str) -> None:
    contract = yaml.safe_load(document.read_text())
    queue = contract["channels"]["queue"]["address"].replace("{provider}", slug)
    required = contract["components"]["schemas"]["headers"]["required"]
    known = contract["components"]["messages"]

    connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
    channel = connection.channel()
    channel.basic_qos(prefetch_count=50)
    print("ready", flush=True)
    for method, properties, body in channel.consume(queue):
        headers = properties.headers or {}
        missing = [name for name in required if name not in headers]
        unknown = headers.get("ce-type") not in known
        event = {
            "id": headers.get("ce-id"),
            "type": headers.get("ce-type"),
            "subject": headers.get("ce-subject"),
            "sequence": headers.get("ce-sequence"),
            "data": json.loads(body),
            "complaints": [f"header {name} is missing" for name in missing] + ["unknown type"] * unknown,
        }
        print(json.dumps(event), flush=True)
        channel.basic_ack(method.delivery_tag)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
