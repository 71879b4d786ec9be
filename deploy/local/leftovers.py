"""Processes of an installation that its supervisor no longer holds, found by what /proc says of them."""

import os
import signal
import time
from pathlib import Path

MARK = "AMBITO_INSTANCE"  # in the environment of every process: the installation's directory


def find(var: Path, *places: Path) -> dict[int, str]:
    """Living processes with the mark of `var`, and database servers in it or in `places`: pid → command.

    PostgreSQL overwrites its environment with process titles, so its processes are known by their program
    and directory. A shell or an editor that somebody opened in there is not ours to end.
    """
    mark = f"{MARK}={var}".encode()
    roots = [var, *places]
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            ours = mark in (entry / "environ").read_bytes().split(b"\0")
            if not ours and (entry / "exe").readlink().name == "postgres":
                ours = any((entry / "cwd").readlink().is_relative_to(root) for root in roots)
            if ours:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if command:  # a zombie has none
                    found[int(entry.name)] = command.strip()
        except OSError:
            continue  # it has just ended, or is not ours to look at
    return found


def end(var: Path, *places: Path, timeout_seconds: float = 30) -> list[str]:
    """End such processes, first asking; returns what they were."""
    ended = find(var, *places)
    for number, patience in ((signal.SIGINT, timeout_seconds), (signal.SIGKILL, 5)):
        remaining = find(var, *places)
        for pid in remaining:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + patience
        while remaining and find(var, *places) and time.monotonic() < deadline:
            time.sleep(0.1)
    return [f"{pid} {command[:100]}" for pid, command in ended.items()]
