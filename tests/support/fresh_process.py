"""Code that has to run in a process of its own, because it changes how the process works."""

import subprocess
import sys

from tests.architecture.project import ROOT


def said_by(code: str, *arguments: str) -> str:
    """What `code` prints, run by Python with `arguments`; it must end well and complain of nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
