"""What RabbitMQ refuses to a service's user: what was tried → AMQP reply code, null if it was let."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import amqp

URL = urlsplit(Path("/run/secrets/amqp_url").read_text().strip())
OTHERS = [each for each in ("identity", "catalogue", "vouchers", "notifications") if each != URL.username]


def refused(act: Callable[[amqp.Channel], object]) -> int | None:
    connection = amqp.Connection(
        f"{URL.hostname}:{URL.port}",
        userid=URL.username,
        password=URL.password,
        virtual_host=URL.path[1:],
        connect_timeout=5,
        read_timeout=5,
        write_timeout=5,
        confirm_publish=True,
    )
    try:
        connection.connect()
        act(connection.channel())
    except amqp.AMQPError as error:
        return int(error.code)
    finally:
        connection.collect()
    return None


def publish(exchange: str) -> Callable[[amqp.Channel], object]:
    return lambda channel: channel.basic_publish(amqp.Message("{}"), exchange, "forged.event.v1")


def read(queue: str) -> Callable[[amqp.Channel], object]:
    return lambda channel: channel.basic_get(queue)


def purge(queue: str) -> Callable[[amqp.Channel], object]:
    return lambda channel: channel.queue_purge(queue)


print(
    json.dumps(
        {
            **{f"publish to {name}": refused(publish(f"ambito.{name}")) for name in OTHERS},
            **{f"publish to {name}.public": refused(publish(f"ambito.{name}.public")) for name in OTHERS},
            **{f"read {name}": refused(read(f"{name}.events")) for name in OTHERS},
            **{f"purge {name}": refused(purge(f"{name}.events")) for name in OTHERS},
            "read a cooperative's queue": refused(read("coop.casa-tiglio")),
            "declare a queue": refused(lambda channel: channel.queue_declare("loot", durable=True)),
            "declare an exchange": refused(lambda channel: channel.exchange_declare("loot", "topic")),
            "delete its own exchange": refused(
                lambda channel: channel.exchange_delete(f"ambito.{URL.username}")
            ),
        }
    )
)
