"""What the processes of the installation use of the machine, read from /proc."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.instance import Instance

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True)
class Usage:
    """Processor seconds since each program's start, with its children, and those of the whole machine."""

    programs: Mapping[str, float]
    machine_busy: float

    def since(self, earlier: Usage) -> Usage:
        """What was used in between; a program that was started meanwhile counts from its start."""
        return Usage(
            {name: spent - earlier.programs.get(name, 0.0) for name, spent in self.programs.items()},
            self.machine_busy - earlier.machine_busy,
        )


@dataclass(frozen=True)
class Memory:
    """Resident memory of a program and its children, in MiB. `proportional` counts shared pages once."""

    resident: float
    proportional: float


def usage(instance: Instance) -> Usage:
    """Of every running program of the installation."""
    children = _children()
    programs = {
        state.name: sum(map(processor_seconds, _family(state.pid, children)))
        for state in instance.states()
        if state.pid
    }
    return Usage(programs, _machine_busy_seconds())


def memory(instance: Instance) -> dict[str, Memory]:
    """Of every running program of the installation."""
    children = _children()
    found = {}
    for state in instance.states():
        if state.pid:
            each = [_memory(pid) for pid in _family(state.pid, children)]
            found[state.name] = Memory(
                sum(one.resident for one in each), sum(one.proportional for one in each)
            )
    return found


def _children() -> dict[int, list[int]]:
    found = defaultdict(list)
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            found[int(fields[1])].append(int(entry.name))
    return found


def _family(pid: int, children: Mapping[int, list[int]]) -> list[int]:
    return [pid, *(each for child in children.get(pid, ()) for each in _family(child, children))]


def _stat(pid: int) -> list[str]:
    """The fields after the program's name, which may hold blanks; empty if the process is gone."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def processor_seconds(pid: int) -> float:
    """Of one process since its start; 0 if it is gone."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND if fields else 0.0


def _memory(pid: int) -> Memory:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    except (FileNotFoundError, ProcessLookupError):
        return Memory(0.0, 0.0)
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return Memory(kilobytes["Rss"] / 1024, kilobytes["Pss"] / 1024)


def _machine_busy_seconds() -> float:
    first_line, _, _ = (_PROC / "stat").read_text().partition("\n")
    user, nice, system, _, _, interrupt, soft, *_ = map(int, first_line.split()[1:])
    return (user + nice + system + interrupt + soft) / _TICKS_PER_SECOND
