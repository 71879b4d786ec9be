"""The present, as something that can be passed in.

The clock of a process can be made to step, so that it can be shown that nothing breaks when it does. This
exists only in a process whose environment names a file in `CLOCK_STEP`; nobody does but the fault harness.
While the file is there, the process reads a clock that is off by the seconds written in it.
"""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

_step: Path | None = Path(os.environ["CLOCK_STEP"]) if "CLOCK_STEP" in os.environ else None


class Clock(Protocol):
    """Tells the time: an aware instant in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(unix_seconds(), UTC)


class FixedClock:
    """A clock that moves only when told; for tests."""

    def __init__(self, instant: datetime) -> None:
        if instant.tzinfo is None:
            raise ValueError("a clock needs an aware instant")
        self._instant = instant.astimezone(UTC)

    def now(self) -> datetime:
        return self._instant

    def advance(self, step: timedelta) -> None:
        self._instant += step


def unix_seconds() -> float:
    """The machine's clock, in Unix seconds."""
    return time.time() if _step is None else time.time() + _stepped(_step)


def step(file: Path, by: timedelta) -> None:
    """From now on, the processes that have `file` read a clock that is off by so much; not at all if 0."""
    partial = file.with_name(f".{file.name}")
    partial.write_text(str(by.total_seconds()))
    partial.rename(file)


def _stepped(file: Path) -> float:
    try:
        return float(file.read_text())
    except FileNotFoundError:
        return 0.0
