"""What must be so before an upgrade begins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from docker.errors import ImageNotFound

from deploy.operating.installation import Installation, OperationError, health_of, service_of
from deploy.operating.upgrade_plan import Layout, named

_FREE_MIB: Final = 1024
_DATABASES: Final = ("postgres", "/var/lib/postgresql/data")


def amiss(installation: Installation, now: Layout, then: Layout, *, back: bool, allow_gap: bool) -> list[str]:
    """One sentence for each thing that stands against bringing the installation from `now` to `then`.

    The way `back` must be open also when something is not well.
    """
    hindrances = [*_missing_images(installation, then), *([] if allow_gap else _gap(then))]
    if not back:
        hindrances += _not_well(installation, then)
        hindrances += _other_versions(installation, now, then)
        hindrances += _little_room(installation)
    return hindrances


def backup_amiss(root: Path, within: timedelta) -> list[str]:
    """A sentence if no backup below `root` was taken within this time."""
    taken = []
    for manifest in root.glob("*/manifest.json"):
        try:
            at = datetime.fromisoformat(json.loads(manifest.read_text())["taken_at"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a backup that is not whole
        taken.append(at if at.tzinfo else at.replace(tzinfo=UTC))
    if taken and max(taken) >= datetime.now(UTC) - within:
        return []
    newest = f"the newest is of {max(taken):%Y-%m-%d %H:%M}" if taken else f"there is none in {root}"
    return [f"no backup is younger than {within.total_seconds() / 3600:g} hours: {newest}"]


def _missing_images(installation: Installation, then: Layout) -> Iterator[str]:
    for image in then.images:
        try:
            installation.client.images.get(image)
        except ImageNotFound:
            yield f"the image {image} is not here: docker compose pull, or --build"


def _not_well(installation: Installation, then: Layout) -> Iterator[str]:
    images = {process.name: process.image for process in then.processes}
    for each in installation.containers(*images, all_states=True):
        # One of the version to come is no hindrance: it is what an attempt left that was broken off.
        if each.attrs["Config"]["Image"] != images[service_of(each)] and health_of(each) != "healthy":
            yield f"{each.name} is {health_of(each)}"


def _other_versions(installation: Installation, now: Layout, then: Layout) -> Iterator[str]:
    """Half an upgrade to something else: nobody knows whether three versions suit each other."""
    expected = {
        before.name: {before.image, after.image}
        for before, after in zip(now.processes, then.processes, strict=True)
    }
    for each in installation.containers(*expected):
        image = each.attrs["Config"]["Image"]
        if image not in expected[service_of(each)]:
            yield (
                f"{each.name} runs {image}, of another upgrade that did not end: "
                "end that one, or take it back (--back)"
            )


def _little_room(installation: Installation) -> Iterator[str]:
    service, path = _DATABASES
    if not installation.containers(service):
        return  # a database elsewhere
    database = installation.container(service)
    out = installation.output_of(database, "df", "--output=avail", "--block-size=1M", path)
    try:
        free = int(out.split()[-1])
    except (ValueError, IndexError):
        raise OperationError(f"{service}: df says {out!r}") from None
    if free < _FREE_MIB:
        yield f"the databases have {free} MiB left; an upgrade begins with {_FREE_MIB} at least"


def _gap(then: Layout) -> Iterator[str]:
    if alone := [each for each in then.processes if each.gap]:
        yield (
            f"{named(alone)} is published at a port, which two containers cannot have: while it is replaced, "
            "connections are refused for some seconds. Use compose.tls.yaml, or say --allow-gap"
        )
