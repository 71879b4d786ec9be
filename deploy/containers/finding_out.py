"""All facts about an installation, each part by itself: what cannot be asked does not hide the rest."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
from pydantic import BaseModel

from deploy.broker.apart import ApartError, read_apart
from deploy.containers.broker_facts import broker_facts
from deploy.containers.database_facts import database_facts
from deploy.containers.disabled import disabled
from deploy.containers.facts import PARTS, DiskFacts, Facts, TerritoryFacts
from deploy.containers.login_facts import login_facts
from deploy.containers.secret_facts import secret_facts
from deploy.local.secrets import Secrets
from services.chassis.messaging.topology_check import TopologyError
from services.contracts.territory import Territory, TerritoryErrors, read_territory


class Unknowable(Exception):
    """Something else must be put right first."""


def find_out(secrets: Path, folder: Path, apart: Path, parts: Collection[str] = PARTS) -> Facts:
    """As much as possible of these parts, at once. Takes as long as the slowest time limit, about 20 s."""
    kept = Secrets(secrets, may_make=False)

    def territory() -> Territory:
        try:
            return read_territory(folder)
        except TerritoryErrors as failure:
            raise Unknowable("the territory's folder is not valid") from failure

    def territory_or_none() -> Territory | None:
        try:
            return territory()
        except Unknowable:
            return None

    asking: dict[str, Callable[[], BaseModel]] = {
        "secrets": lambda: secret_facts(secrets, territory_or_none()),
        "broker": lambda: broker_facts(kept, territory(), read_apart(apart, territory())),
        "databases": lambda: database_facts(kept),
        "logins": lambda: login_facts(kept, territory(), disabled(secrets)),
        "territory": lambda: territory_facts(folder),
        "disk": disk_facts,
    }
    found: dict[str, BaseModel] = {}
    unknown: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=len(asking)) as pool:
        futures = {part: pool.submit(asking[part]) for part in asking if part in parts}
        for part, future in futures.items():
            try:
                found[part] = future.result()
            except (
                Unknowable,
                ApartError,
                TopologyError,
                httpx.HTTPError,
                psycopg.Error,
                OSError,
                ValueError,
            ) as error:
                unknown[part] = str(error).strip() or type(error).__name__
    return Facts.model_validate({**found, "unknown": unknown})


def territory_facts(folder: Path) -> TerritoryFacts:
    """Whether the folder is valid, whom it names, and when it was changed last."""
    changed = max((file.stat().st_mtime for file in folder.glob("*.yaml")), default=None)
    faults: list[str] = []
    providers: list[str] = []
    try:
        providers = [provider.slug for provider in read_territory(folder).providers]
    except TerritoryErrors as failure:
        faults = [f"{error.file}:{error.line}: {error.reason}" for error in failure.errors[:20]]
    return TerritoryFacts(
        faults=faults,
        providers=providers,
        changed_at=None if changed is None else dt.datetime.fromtimestamp(changed, dt.UTC),
    )


def disk_facts() -> DiskFacts:
    """Of this container's own file system, which is where Docker Engine keeps everything."""
    found = os.statvfs("/")
    return DiskFacts(free_bytes=found.f_bavail * found.f_frsize, total_bytes=found.f_blocks * found.f_frsize)
