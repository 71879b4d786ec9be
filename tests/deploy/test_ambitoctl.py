"""`deploy/ambitoctl`: the same commands from any directory, whatever name it is called by."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from deploy.operating.terminal import Exit

AMBITOCTL = Path(__file__).parents[2] / "deploy" / "ambitoctl"


def test_it_runs_from_anywhere_and_through_a_link_and_ends_as_the_command_does(tmp_path: Path) -> None:
    link = tmp_path / "ambitoctl"
    link.symlink_to(AMBITOCTL)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(link), *arguments],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    helped = run("--help")
    assert helped.returncode == Exit.WELL, helped.stderr
    for command in ("status", "doctor", "dlq", "reconcile", "verify-ledger", "check-topology", "cooperative"):
        assert f" {command} " in helped.stdout
    assert run("no-such-command").returncode == Exit.USAGE
    nowhere = run("--project", "no-such-installation", "status", "--json")
    assert nowhere.returncode == Exit.FAILED
    assert nowhere.stdout == ""
    assert nowhere.stderr
