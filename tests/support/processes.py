"""Processes that end with the test run, even when it is killed."""

import os
import subprocess
from pathlib import Path

from deploy.local.programs import Program, StartError, log_tail


class ProgramRun:
    """A running `Program`, its output in `log`."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
        # The kernel signals the process when the test run's thread ends, however it ends.
        leash = ("setpriv", "--pdeathsig", program.stop_signal.name.removeprefix("SIG"), "--")
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                leash + program.command,
                cwd=program.directory,
                env=dict(program.environment),
                user=program.user,
                group=program.user,
                extra_groups=None if program.user is None else [],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for pytest, which then stops its servers in order
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """Ask, wait, and kill what does not listen."""
        if self.is_running():
            self._process.send_signal(self.program.stop_signal)
        try:
            self._process.wait(self.program.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, without a chance to tidy up."""
        self._process.kill()
        self._process.wait(10)


def explain(error: StartError, log: Path) -> StartError:
    """The same error with the end of the log that belongs to it."""
    return StartError(f"{error}\n  end of {os.fspath(log)}:\n{log_tail(log)}")
