"""Places at which a process can be made to die, so that it can be shown that nothing is lost there.

They exist only in a process whose environment names a directory in `CRASH_POINTS`; nobody does but the fault
harness. A point is armed by a file of its name in that directory; the first to pass it removes the file and
ends the process as `kill -9` would: nothing is flushed, closed or answered.
"""

import os
from pathlib import Path
from typing import Final

EXIT_STATUS: Final = 137
"""What a shell reports of a process that was killed with SIGKILL."""

RPC: Final = "rpc.after-commit-before-answer"
RELAY: Final = "relay.after-publish-before-mark"
WORKER: Final = "worker.after-commit-before-ack"
EMAIL: Final = "email.after-send-before-record"
WEBHOOK: Final = "webhook.after-send-before-record"

_directory: str | None = os.environ.get("CRASH_POINTS")


def crash_point(name: str, detail: str = "") -> None:
    """Die here if `name` is armed, and armed for `detail` or for anything."""
    if _directory is not None:
        _die_if_armed(Path(_directory) / name, detail)


def arm(directory: Path, name: str, detail: str = "") -> None:
    """Arm a point of the processes that have `directory`; with `detail`, only for the pass that gives it."""
    partial = directory / f".{name}"
    partial.write_text(detail)
    partial.rename(directory / name)


def disarm(directory: Path, name: str) -> bool:
    """Take the file away if it is still there; whether it was, that is, nobody has died of it."""
    try:
        (directory / name).unlink()
    except FileNotFoundError:
        return False
    return True


def _die_if_armed(marker: Path, detail: str) -> None:
    try:
        if marker.read_text() not in {"", detail}:
            return
        marker.unlink()  # of several that pass at once, one has it
    except FileNotFoundError:
        return
    os._exit(EXIT_STATUS)
