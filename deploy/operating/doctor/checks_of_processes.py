"""Containers: well, of one version, within limits."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from deploy.operating.doctor.circumstances import Circumstances
from deploy.operating.doctor.findings import COMPOSE, UP, Finding, Weight, check
from deploy.operating.processes import EXPECTED, not_there
from deploy.operating.status import span

_OFTEN: Final = 3
_LATELY: Final = dt.timedelta(minutes=15)


@check
def everything_runs(given: Circumstances) -> Iterator[Finding]:
    """Each process has a container that is well."""
    for service in not_there(given.seen.processes):
        yield Finding(f"{service} has no container", "what it does is not done", UP)
    for each in given.seen.processes:
        if each.fault and not _is_looping(each.restarts, each.since, each.state, given.now):
            yield Finding(
                f"{each.container}: {each.fault}",
                "what it does is not done, or done by its replicas alone",
                f"{COMPOSE} … logs --tail 50 {each.service} says why; {UP} starts what has ended",
            )


@check
def nothing_starts_again_and_again(given: Circumstances) -> Iterator[Finding]:
    """A process that dies as soon as it is there."""
    for each in given.seen.processes:
        if _is_looping(each.restarts, each.since, each.state, given.now):
            last = "now" if each.since is None else f"{span((given.now - each.since).total_seconds())} ago"
            yield Finding(
                f"{each.container} was started {each.restarts} times again, the last time {last}",
                "it dies of something that does not go away by itself",
                f"{COMPOSE} … logs --tail 100 {each.service}",
            )


@check
def nothing_was_killed_for_memory(given: Circumstances) -> Iterator[Finding]:
    """The kernel ends what goes beyond its limit."""
    for each in given.seen.processes:
        if each.killed_for_memory:
            yield Finding(
                f"{each.container} was killed because it used up its memory",
                "it will be again; what it was about is done a second time",
                f"raise `deploy.resources.limits.memory` of {each.service} in an overlay, and say so to"
                " the authors",
            )


@check
def everything_is_of_one_version(given: Circumstances) -> Iterator[Finding]:
    """Half an upgrade."""
    versions: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for each in given.seen.processes:
        if each.service in EXPECTED:
            versions[each.version, each.revision].append(each.service)
    if len(versions) > 1:
        told = "; ".join(
            f"{' '.join(filter(None, version))}: {', '.join(sorted(set(services)))}"
            for version, services in sorted(versions.items())
        )
        yield Finding(
            f"processes of different versions run: {told}",
            "an upgrade ended half-way; versions next to each other work together, for a while",
            "finish it: python -m deploy upgrade; or bring everything to one AMBITO_VERSION: " + UP,
        )


@check
def containers_are_of_their_images(given: Circumstances) -> Iterator[Finding]:
    """An image was built or fetched, and nobody has used it yet."""
    if given.outdated:
        yield Finding(
            f"not made from the image that now has the name: {', '.join(given.outdated)}",
            "the next `up` replaces them, at a time that nobody has chosen",
            UP,
            Weight.ADVICE,
        )


@check
def versions_can_be_told_apart(given: Circumstances) -> Iterator[Finding]:
    """`latest` is not a version."""
    latest = sorted(
        {each.service for each in given.seen.processes if each.image.endswith(":latest")} & {*EXPECTED}
    )
    if given.is_open and latest:
        yield Finding(
            f"AMBITO_VERSION is `latest`: {', '.join(latest)}",
            "nobody can say what runs, or go back to what ran",
            f"give versions names: AMBITO_VERSION=… in deploy/.env, then {COMPOSE} … build and {UP}",
            Weight.ADVICE,
        )


@check
def logs_are_bounded(given: Circumstances) -> Iterator[Finding]:
    """An overlay of one's own easily forgets it."""
    unbounded = sorted(name for name, limit in given.log_limits.items() if limit is None)
    if unbounded:
        yield Finding(
            f"logs without a limit: {', '.join(unbounded)}",
            "they grow until the disk is full, and then PostgreSQL stops",
            "logging: {driver: json-file, options: {max-size: 10m, max-file: '4'}} for them, then " + UP,
        )


def _is_looping(restarts: int, since: dt.datetime | None, state: str, now: dt.datetime) -> bool:
    return restarts >= _OFTEN and (state == "restarting" or since is None or now - since < _LATELY)
