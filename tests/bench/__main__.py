"""`python -m tests.bench`: measure, print a table, write var/bench/latest.json."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.local.instance import Instance
from deploy.local.layout import default_var
from deploy.local.programs import StartError
from deploy.local.progress import Progress
from tests.bench import figures
from tests.bench.figures import Result, Round
from tests.bench.population import roomy_territory
from tests.bench.processes import Memory, memory
from tests.bench.scenarios import Scenario
from tests.bench.suite import NAMES, TO_QUEUE, TO_WEBHOOK, measure, suite
from tests.bench.system import System

START, MEMORY = "start", "memory"
MEMORY_LIMIT_MIB = 150
_SERVERS = ("postgres", "rabbitmq", "epmd")
_PROGRESS = Progress()


def main() -> int:
    arguments = _parser().parse_args()
    wanted = set(arguments.only or [*NAMES, START, MEMORY])
    started = time.monotonic()
    results: list[Result] = []
    resident: dict[str, Memory] = {}
    with _installation(arguments.var, results) as instance:
        if START in wanted:
            results += _start_again(instance)
        with suite(System(instance), wanted, arguments.rate, _PROGRESS) as scenarios:
            measure(scenarios, rounds=arguments.rounds, seconds=arguments.seconds, progress=_PROGRESS)
            resident = memory(instance)
        results = [*(each.result() for each in scenarios), *(each for each in results if START in wanted)]
        faults = [fault for each in scenarios for fault in each.faults()]
        faults += _differences(instance)
    if MEMORY in wanted:
        results += [
            Result(
                scenario=f"memory_{name}",
                unit="MiB",
                rounds=[_memory_round(name, each)],
                limit_is="" if name in _SERVERS else "what a process may take",
                notes={
                    "resident_mib": round(each.resident, 1),
                    "proportional_mib": round(each.proportional, 1),
                },
            )
            for name, each in sorted(resident.items(), key=lambda item: -item[1].resident)
        ]
    file = default_var() / "bench" / "latest.json"
    figures.write(results, file)
    _PROGRESS.say(f"\n{figures.table(results)}\n")
    for line in _remarks(scenarios, resident):
        _PROGRESS.say(line)
    _PROGRESS.say(f"{file} written; {time.monotonic() - started:.0f} s in all.")
    for fault in faults:
        _PROGRESS.say(f"WRONG: {fault}")
    return 1 if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    names = [*NAMES, START, MEMORY]
    parser.add_argument("--seconds", type=float, default=4.0, help="of one measurement (default: 4)")
    parser.add_argument("--rounds", type=int, default=3, help="of every scenario (default: 3)")
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument(
        "--rate", type=float, default=50.0, help=f"bookings/s of {TO_QUEUE} and {TO_WEBHOOK} (default: 50)"
    )
    parser.add_argument("--var", type=Path, help="measure this installation and keep it (default: a new one)")
    return parser


def _memory_round(name: str, each: Memory) -> Round:
    """Servers are families of processes that share memory, and have no limit of ours."""
    if name in _SERVERS:
        return Round(value=each.proportional)
    return Round(value=each.resident, limit=MEMORY_LIMIT_MIB)


@contextmanager
def _installation(var: Path | None, results: list[Result]) -> Iterator[Instance]:
    """An installation that is up. A new one is timed, and deleted in the end."""
    with tempfile.TemporaryDirectory(prefix="ambito-bench-") as directory:
        place = Path(directory)
        place.chmod(0o755)  # the servers' users must get through
        instance = Instance(var or place / "var", territory=roomy_territory(place), environment={})
        if var is not None:
            instance.up()
            yield instance
            return
        try:
            results.append(_timed_start("start_from_nothing", instance))
            yield instance
        finally:
            with _PROGRESS.step("taking the installation away"):
                instance.clean()


def _timed_start(name: str, instance: Instance) -> Result:
    started = time.monotonic()
    instance.up()
    return Result(scenario=name, unit="s", rounds=[Round(value=time.monotonic() - started)])


def _start_again(instance: Instance) -> list[Result]:
    instance.down()
    return [_timed_start("start_on_existing_data", instance)]


def _differences(instance: Instance) -> Iterator[str]:
    """After the load, what must agree agrees: seats and bookings, holds and balances, entries and hashes."""
    checks = (("catalogue", "reconcile"), ("vouchers", "reconcile"), ("vouchers", "verify-ledger"))
    for service, command in checks:
        try:
            with _PROGRESS.step(f"{service} {command}"):
                instance.command(service, command).run()
        except StartError as error:
            yield str(error)


def _remarks(scenarios: Sequence[Scenario], resident: dict[str, Memory]) -> Iterator[str]:
    yield from filter(None, (each.remark() for each in scenarios))
    for name, taken in resident.items():
        if name not in _SERVERS and taken.resident > MEMORY_LIMIT_MIB:
            yield f"{name} takes {taken.resident:.0f} MiB, more than {MEMORY_LIMIT_MIB}"


if __name__ == "__main__":
    sys.exit(main())
