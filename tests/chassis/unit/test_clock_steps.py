"""A clock that steps: only where the environment says so, and while the file is there."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.chassis import clock
from tests.support.postgres import ROOT

_HOUR = timedelta(hours=1)
_TELL = "from services.chassis.clock import SystemClock; print(SystemClock().now().isoformat())"


def off_by(file: Path | None) -> timedelta:
    """By how much another process's clock differs from ours, to the minute."""
    environment = {"PATH": os.environ["PATH"]} | ({} if file is None else {"CLOCK_STEP": str(file)})
    done = subprocess.run(
        [sys.executable, "-c", _TELL],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    difference = datetime.fromisoformat(done.stdout.strip()) - datetime.now(UTC)
    return timedelta(minutes=round(difference / timedelta(minutes=1)))


@pytest.mark.parametrize("step", [_HOUR, -_HOUR, timedelta(0)])
def test_a_process_that_has_the_file_reads_the_stepped_clock(tmp_path: Path, step: timedelta) -> None:
    clock.step(tmp_path / "clock", step)
    assert off_by(tmp_path / "clock") == step


def test_nothing_steps_without_the_file_or_without_its_name_in_the_environment(tmp_path: Path) -> None:
    assert off_by(tmp_path / "clock") == timedelta(0)
    clock.step(tmp_path / "clock", _HOUR)
    assert off_by(None) == timedelta(0)
