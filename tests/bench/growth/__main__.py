"""`python -m tests.bench.growth`: fill an installation of its own step by step, measure every step, tell."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from deploy.local.instance import Instance
from deploy.local.layout import default_var
from deploy.local.postgres import SHARED_BUFFERS
from deploy.local.progress import Progress
from tests.bench.growth import end_to_end, report, targets
from tests.bench.growth.end_to_end import EndToEnd
from tests.bench.growth.filling import Filler, Volume
from tests.bench.growth.measuring import Measured
from tests.bench.growth.report import Step
from tests.bench.growth.snapshots import ORIGINAL, Snapshots
from tests.bench.population import roomy_territory
from tests.bench.system import System

VOLUMES = (
    Volume(10_000, 56_000, 1),
    Volume(100_000, 146_000, 3),
    Volume(1_000_000, 382_000, 7),
    Volume(10_000_000, 1_000_000, 18),
)
_END_TO_END_SECONDS = 6.0
_PROGRESS = Progress()
# While rows are made: what is lost in a crash is made again.
_WHILE_FILLING = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "4GB", "autovacuum": "off"}


def main() -> int:
    arguments = _parser().parse_args()
    started = time.monotonic()
    file = default_var() / "bench" / "growth.json"
    with _installation(arguments.shared_buffers) as instance:
        snapshots = Snapshots(System(instance).admin_url)
        filled = fill(snapshots, [volume for volume in VOLUMES if volume.bookings <= arguments.up_to])
        steps = measure(
            snapshots,
            filled,
            rounds=arguments.rounds,
            seconds=arguments.seconds,
            clients=arguments.clients,
        )
        report.write(steps, file)
        for step in {steps[0].volume: steps[0], steps[-1].volume: steps[-1]}.values():
            step.end_to_end = _end_to_end(instance, snapshots, filled[step.volume], step.volume)
        report.write(steps, file)
    _PROGRESS.say(f"\n{report.text(steps)}\n{file} written; {time.monotonic() - started:.0f} s in all.")
    return 0


def fill(snapshots: Snapshots, volumes: Sequence[Volume]) -> dict[Volume, str]:
    """Fill the databases up to each volume and keep a copy, but of the last; the copies' names."""
    filler = Filler(snapshots.urls(), _PROGRESS)
    names = {}
    with _careless(snapshots.admin_url):
        for volume in volumes:
            _PROGRESS.say(f"{volume.bookings:,} bookings, {volume.citizens:,} citizens")
            filler.fill(volume)
            names[volume] = ORIGINAL if volume is volumes[-1] else str(volume.bookings)
            if names[volume] != ORIGINAL:
                with _PROGRESS.step("copy"):
                    snapshots.take(names[volume])
    return names


def measure(
    snapshots: Snapshots,
    filled: Mapping[Volume, str],
    *,
    rounds: int,
    seconds: float,
    clients: int,
) -> list[Step]:
    """Every operation on every copy in turn, round by round, so that all volumes have the same weather."""
    places: dict[Volume, Measured] = {}
    for volume, name in filled.items():
        with _PROGRESS.step(f"{volume.bookings:,}: choosing targets, recording statements"):
            urls = snapshots.urls(name)
            places[volume] = Measured(urls, volume.bookings, seconds=seconds, clients=clients)
    for number in range(1, rounds + 1):
        for volume, place in places.items():
            with _PROGRESS.step(f"{volume.bookings:,}: round {number} of {rounds}"):
                place.round()
    for volume, place in places.items():
        with _PROGRESS.step(f"{volume.bookings:,}: reconcile"):
            place.finish()
    return [Step(volume, place.milliseconds(), place.sizes) for volume, place in places.items()]


def _end_to_end(instance: Instance, snapshots: Snapshots, name: str, volume: Volume) -> EndToEnd:
    with (
        _PROGRESS.step(f"{volume.bookings:,}: bookings with a voucher through the gateway"),
        snapshots.in_use(name),
    ):
        return end_to_end.measure(instance, targets.choose(snapshots.urls()), _END_TO_END_SECONDS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    last = VOLUMES[-1].bookings
    parser.add_argument("--up-to", type=int, default=last, help=f"bookings (default: {last})")
    parser.add_argument("--seconds", type=float, default=1.0, help="of one measurement (default: 1)")
    parser.add_argument("--rounds", type=int, default=3, help="of every operation (default: 3)")
    parser.add_argument("--clients", type=int, default=1, help="of pgbench (default: 1)")
    parser.add_argument(
        "--shared-buffers",
        default=SHARED_BUFFERS,
        metavar="SIZE",
        help=f"PostgreSQL's own memory (default: {SHARED_BUFFERS})",
    )
    return parser


@contextmanager
def _installation(shared_buffers: str) -> Iterator[Instance]:
    """A new installation of which only the servers run; deleted in the end."""
    with tempfile.TemporaryDirectory(prefix="ambito-growth-") as directory:
        place = Path(directory)
        place.chmod(0o755)  # the servers' users must get through
        instance = Instance(
            place / "var",
            territory=roomy_territory(place),
            environment={"POSTGRES_SHARED_BUFFERS": shared_buffers},
        )
        try:
            instance.up()
            System(instance).wait_for_rest()
            with _PROGRESS.step("stopping the application"):
                for name in end_to_end.application(instance):
                    instance.stop(name)
            yield instance
        finally:
            with _PROGRESS.step("taking the installation away"):
                instance.clean()


@contextmanager
def _careless(admin_url: str) -> Iterator[None]:
    """The server takes no care of what it writes, and writes the faster; afterwards it is as it was."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        for name, value in _WHILE_FILLING.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        connection.execute("SELECT pg_reload_conf()")
        yield
        connection.execute("ALTER SYSTEM RESET ALL")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CHECKPOINT")


if __name__ == "__main__":
    sys.exit(main())
