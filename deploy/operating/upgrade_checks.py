"""What must be so before an upgrade begins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from docker.errors import ImageNotFound

from deploy.operating.backups import store
from deploy.operating.backups.manifest import Manifest
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
    """A sentence if no backup in `root` was begun within this time. OperationError if the newest is none."""
    found = store.backups(root)
    newest = Manifest.read(found[-1]).begun_at if found else None
    if newest is not None and newest >= datetime.now(UTC) - within:
        return []
    which = f"there is none in {root}" if newest is None else f"the newest is of {newest:%Y-%m-%d %H:%M} UTC"
    return [f"no backup is younger than {within.total_seconds() / 3600:g} hours: {which}"]


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
