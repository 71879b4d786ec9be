"""The machine: programs, clocks, space; and what is kept apart from it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Final

from deploy.operating.doctor.circumstances import Circumstances, Space
from deploy.operating.doctor.findings import COMPOSE, Finding, Weight, check
from deploy.operating.status import span

_OLDEST_ENGINE: Final = (20, 10)
_OLDEST_COMPOSE: Final = (2, 24, 4)
"""The first that understands `!override` and `!reset` in overlays."""
_CLOCK_SECONDS: Final = 5.0
_LITTLE_BYTES: Final = 5 * 10**9
_LITTLE_SHARE: Final = 0.1
_BACKUP_EVERY: Final = dt.timedelta(days=1)
_LOAD: Final = f"{COMPOSE} … up --detach --wait"


@check
def programs_are_new_enough(given: Circumstances) -> Iterator[Finding]:
    """Docker Engine and Compose."""
    if _version(given.engine_version) < _OLDEST_ENGINE:
        yield Finding(
            f"Docker Engine is {given.engine_version}",
            "networks, health checks or limits may not do what the compose files say",
            "Docker Engine 20.10 or later, from docker.com or your distribution",
        )
    if given.compose_version is None:
        yield Finding(
            "there is no Docker Compose on this machine",
            "`backup`, `restore` and `upgrade` need it, and so does everybody who changes something",
            "install the plug-in docker-compose-plugin (2.24.4 or later)",
        )
    elif _version(given.compose_version) < _OLDEST_COMPOSE:
        yield Finding(
            f"Docker Compose is {given.compose_version}",
            "compose.tls.yaml would leave the ports without TLS published: !override and !reset are not"
            " understood",
            "install docker-compose-plugin 2.24.4 or later",
        )


@check
def clocks_agree(given: Circumstances) -> Iterator[Finding]:
    """Tokens, holds and webhook signatures are about minutes."""
    clocks = {"Docker Engine's": given.engine_ahead_seconds}
    if given.facts.databases:
        clocks["PostgreSQL's"] = given.facts.databases.ahead_seconds
    for whose, ahead in clocks.items():
        if abs(ahead) > _CLOCK_SECONDS:
            yield Finding(
                f"{whose} clock is {abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}",
                "tokens run out too early or too late, and webhook receivers refuse signatures",
                "let every machine follow the same time servers: timedatectl set-ntp true",
            )


@check
def there_is_space(given: Circumstances) -> Iterator[Finding]:
    """Where Docker Engine keeps everything, and where the servers' data are."""
    spaces = {f"the data of {service} are on": space for service, space in given.volumes.items()}
    if given.facts.disk:
        found = given.facts.disk
        spaces = {"Docker Engine uses": Space(found.free_bytes, found.total_bytes)} | spaces
    told = set()
    for what, space in spaces.items():
        if space not in told and space.free_bytes < min(_LITTLE_BYTES, space.total_bytes * _LITTLE_SHARE):
            told.add(space)
            yield Finding(
                f"{space.free_bytes / 1e9:.1f} of {space.total_bytes / 1e9:.1f} GB are free on the disk"
                f" that {what}",
                "without space PostgreSQL stops, and RabbitMQ takes no message",
                "docker image prune and docker builder prune take away what nobody uses; else a larger disk",
            )


@check
def territory_is_valid(given: Circumstances) -> Iterator[Finding]:
    """Its folder, as the services would read it."""
    for fault in given.facts.territory.faults if given.facts.territory else ():
        yield Finding(
            f"the territory's folder: {fault}",
            "nothing of it is loaded, and `up` fails, until it is right",
            "correct the line; python -m services.contracts.territory FOLDER checks it",
        )


@check
def territory_is_loaded(given: Circumstances) -> Iterator[Finding]:
    """As it stands now."""
    changed = given.facts.territory.changed_at if given.facts.territory else None
    if changed is not None and given.loaded_at is not None and changed > given.loaded_at:
        yield Finding(
            f"the territory's folder was changed on {changed:%Y-%m-%d %H:%M} UTC, after it was loaded"
            f" ({given.loaded_at:%Y-%m-%d %H:%M} UTC)",
            "the services do not know yet what it says",
            _LOAD,
            Weight.ADVICE,
        )


@check
def there_is_a_backup(given: Circumstances) -> Iterator[Finding]:
    """Not older than a day."""
    cure = f"python -m deploy backup, every day, and a copy of {given.backups} on another machine"
    why = "everything is on one disk: what is not in a backup is lost with it"
    if given.newest_backup is None:
        yield Finding(f"there is no backup in {given.backups}", why, cure, Weight.ADVICE)
    elif given.now - given.newest_backup > _BACKUP_EVERY:
        age = span((given.now - given.newest_backup).total_seconds())
        yield Finding(f"the newest backup in {given.backups} is {age} old", why, cure)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])
