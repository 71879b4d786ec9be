"""Commands that replace containers: one at a time, and one that is killed is in nobody's way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.operating.installation import Installation, OperationError
from deploy.operating.terminal import Session, Terminal
from tests.architecture.project import ROOT

HOLD = """
import sys
from pathlib import Path
from deploy.operating.locks import held
with held(Path(sys.argv[1]), "taken"):
    print("held", flush=True)
    sys.stdin.read()
"""


class Here(Installation):
    """As much of one as is asked where it is."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory


def test_two_do_not_replace_the_same_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Installation, "connect", lambda _: Here(tmp_path))
    file = tmp_path / ".ambito.lock"
    command = [sys.executable, "-c", HOLD, str(file)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        mine, elses = (Session(project, Terminal(as_json=True)) for project in ("ambito", "other"))
        with pytest.raises(OperationError, match="replaces containers of ambito"), mine.replacing():
            pass
        with elses.replacing() as installation:
            assert installation.directory == tmp_path
        other.kill()
        other.wait(timeout=30)
        with mine.replacing(), pytest.raises(OperationError), mine.replacing():
            pass
