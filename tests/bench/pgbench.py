"""pgbench, PostgreSQL's own load generator: how often the database alone can do what is asked of it."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.postgres import find_binaries
from tests.bench.statements import Script

_PROCESSED = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)
_PER_SECOND = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """Runs of a script, in all and per second."""

    runs: int
    per_second: float


def tool(name: str) -> Path:
    """A program of the PostgreSQL installation. FileNotFoundError says what to install."""
    directory = find_binaries()
    if directory is None or not (directory / name).exists():
        raise FileNotFoundError(f"{name} is missing: apt-get install postgresql")
    return directory / name


def run(
    url: str,
    scripts: Sequence[Script],
    *,
    seconds: float,
    clients: int = 16,
    variables: Mapping[str, int] | None = None,
) -> Outcome:
    """Run the scripts, each as often as the others, in prepared mode. RuntimeError if any run failed.

    `url` is a libpq URL. Scripts together may not have two constants of one name with different values.
    """
    constants = {name: value for script in scripts for name, value in script.constants.items()}
    assert all(constants[name] == value for script in scripts for name, value in script.constants.items())
    with tempfile.TemporaryDirectory(prefix="ambito-pgbench-") as directory:
        files = [Path(directory, f"{number}.sql") for number in range(len(scripts))]
        for file, script in zip(files, scripts, strict=True):
            file.write_text(script.text)
        command = [str(tool("pgbench")), "--no-vacuum", "--protocol=prepared"]
        command += [f"--client={clients}", f"--jobs={min(2, clients)}", f"--time={max(1, round(seconds))}"]
        command += [f"--file={file}" for file in files]
        given = {**constants, **(variables or {})}
        command += [f"--define={name}={value}" for name, value in given.items()]
        done = subprocess.run(
            [*command, url],
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=seconds + 60,
            check=False,
        )
    failed = _FAILED.search(done.stdout)
    if done.returncode != 0 or (failed and failed[1] != "0"):
        raise RuntimeError(f"pgbench failed:\n{done.stdout}{done.stderr}")
    processed, per_second = _PROCESSED.search(done.stdout), _PER_SECOND.search(done.stdout)
    assert processed is not None, done.stdout
    assert per_second is not None, done.stdout
    return Outcome(int(processed[1]), float(per_second[1]))
