"""Where the story can play: the installation of `make up`, or the containers beside this one."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from tempfile import gettempdir

from deploy.broker.topology import cooperative_user
from deploy.containers.secrets import amqp_url
from deploy.demo.story import Setting
from deploy.local.instance import TERRITORY, Instance
from deploy.local.secrets import Secrets
from deploy.local.setup import DEMO_PASSWORDS, logins
from services.contracts.territory import read_territory


class NothingRuns(Exception):
    """There is no installation to tell the story on; the message says what to do."""


def this_machine() -> Setting:
    """The installation of `make up`. Raises NothingRuns."""
    instance = Instance()
    if not instance.states():
        raise NothingRuns("Nothing runs here. Start the system first: make up")
    territory = read_territory(TERRITORY)
    return Setting(
        base_url=instance.base_url,
        territory=territory,
        passwords=json.loads(instance.secrets.passwords(DEMO_PASSWORDS, logins(territory)).read_text()),
        broker_urls={
            provider.slug: instance.cooperative_amqp_url(provider.slug) for provider in territory.providers
        },
        mail=instance.layout.mail,
        locks=instance.layout.var / "demo",
        host="127.0.0.1",
    )


def containers() -> Setting:
    """Seen from the service `demo` of compose.demo.yaml."""
    secrets = Secrets(Path("/secrets"))
    territory = read_territory(Path("/territory"))
    return Setting(
        base_url="http://gateway:8000",
        territory=territory,
        passwords=json.loads(Path("/secrets/accounts.json").read_text()),
        broker_urls={
            provider.slug: amqp_url(secrets, cooperative_user(provider.slug))
            for provider in territory.providers
        },
        mail=Path("/mail/box"),
        locks=Path(gettempdir()) / "demo",
        host=_address_towards("notifications-deliver"),
    )


def _address_towards(host: str) -> str:
    """Ours on the network that we share with `host`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unsent:
        try:
            unsent.connect((host, 9))
        except OSError as error:
            raise NothingRuns(f"{host} is not found ({error}). Start the system first") from None
        return str(unsent.getsockname()[0])
