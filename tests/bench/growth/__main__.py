"""`python -m tests.bench.growth`: fill an installation of its own step by step, measure at each, tell."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from deploy.local.environment import SERVICES
from deploy.local.instance import Instance
from deploy.local.layout import default_var
from deploy.local.progress import Progress
from tests.bench.growth import end_to_end, report
from tests.bench.growth.filling import Filler, Volume
from tests.bench.growth.measuring import Measuring
from tests.bench.growth.report import Step
from tests.bench.population import roomy_territory
from tests.bench.system import System

VOLUMES = (
    Volume(10_000, 56_000, 1),
    Volume(100_000, 146_000, 3),
    Volume(1_000_000, 382_000, 7),
    Volume(10_000_000, 1_000_000, 18),
)
_PROGRESS = Progress()
# While rows are made: what is lost in a crash is made again.
_WHILE_FILLING = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "16GB", "autovacuum": "off"}


def main() -> int:
    arguments = _parser().parse_args()
    volumes = [volume for volume in VOLUMES if volume.bookings <= arguments.up_to]
    started = time.monotonic()
    steps: list[Step] = []
    file = default_var() / "bench" / "growth.json"
    with _installation() as instance:
        server = System(instance).admin_url.rsplit("/", 1)[0]
        urls = {service: f"{server}/{service}" for service in SERVICES}
        filler = Filler(urls, _PROGRESS)
        measuring = Measuring(
            urls,
            _PROGRESS,
            rounds=arguments.rounds,
            seconds=arguments.seconds,
            clients=arguments.clients,
        )
        for volume in volumes:
            _PROGRESS.say(f"{volume.bookings:,} bookings, {volume.citizens:,} citizens")
            filling = time.monotonic()
            with _careless(urls["catalogue"]):
                filler.fill(volume)
            filled = time.monotonic() - filling
            sizes, times = measuring.sizes(), measuring.times(volume.bookings)
            whole = None
            if volume in (volumes[0], volumes[-1]):
                with _PROGRESS.step("bookings with a voucher through the gateway"):
                    whole = end_to_end.measure(instance, measuring.targets, arguments.seconds * 5)
            steps.append(Step(volume, times, sizes, round(filled, 1), whole))
            report.write(steps, file)
    _tell(steps)
    _PROGRESS.say(f"{file} written; {time.monotonic() - started:.0f} s in all.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    last = VOLUMES[-1].bookings
    parser.add_argument("--up-to", type=int, default=last, help=f"bookings (default: {last})")
    parser.add_argument("--seconds", type=float, default=1.0, help="of one measurement (default: 1)")
    parser.add_argument("--rounds", type=int, default=3, help="of every operation (default: 3)")
    parser.add_argument("--clients", type=int, default=1, help="of pgbench (default: 1)")
    return parser


@contextmanager
def _installation() -> Iterator[Instance]:
    """A new installation of which only the servers run; deleted in the end."""
    with tempfile.TemporaryDirectory(prefix="ambito-growth-") as directory:
        place = Path(directory)
        place.chmod(0o755)  # the servers' users must get through
        instance = Instance(place / "var", territory=roomy_territory(place), environment={})
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
def _careless(url: str) -> Iterator[None]:
    """The server takes no care of what it writes, and writes the faster; afterwards it is as it was."""
    with psycopg.connect(url, autocommit=True) as connection:
        for name, value in _WHILE_FILLING.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        connection.execute("SELECT pg_reload_conf()")
        yield
        connection.execute("ALTER SYSTEM RESET ALL")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CHECKPOINT")


def _tell(steps: Sequence[Step]) -> None:
    _PROGRESS.say(f"\n{report.growth_table(steps)}\n")
    if len(steps) > 1:
        _PROGRESS.say(f"{report.size_table(steps)}\n")
    for step in steps:
        if step.end_to_end is not None:
            _PROGRESS.say(f"{step.volume.bookings:,}: {step.end_to_end}")


if __name__ == "__main__":
    sys.exit(main())
