"""Crash points end the process that passes them: each test has one of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from services.chassis import crash_points
from tests.support.postgres import ROOT

_PASS = """
from services.chassis.crash_points import crash_point
crash_point("here", "one")
crash_point("here", "two")
print("alive")
"""


def passing(directory: Path | None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin"} | ({} if directory is None else {"CRASH_POINTS": str(directory)})
    return subprocess.run(
        [sys.executable, "-c", _PASS],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_who_passes_an_armed_point_dies_once(tmp_path: Path) -> None:
    crash_points.arm(tmp_path, "here")
    died = passing(tmp_path)
    assert (died.returncode, died.stdout) == (crash_points.EXIT_STATUS, "")
    assert passing(tmp_path).stdout == "alive\n"
    assert not crash_points.disarm(tmp_path, "here")


def test_a_point_armed_for_a_detail_waits_for_it(tmp_path: Path) -> None:
    crash_points.arm(tmp_path, "here", "three")
    assert passing(tmp_path).stdout == "alive\n"
    assert crash_points.disarm(tmp_path, "here")
    crash_points.arm(tmp_path, "here", "two")
    assert passing(tmp_path).returncode == crash_points.EXIT_STATUS


def test_nothing_happens_where_the_environment_does_not_name_a_directory(tmp_path: Path) -> None:
    crash_points.arm(tmp_path, "here")
    assert passing(None).stdout == "alive\n"
