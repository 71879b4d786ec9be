"""The directory that backups are kept in: one directory each, under its name only when it is complete."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from deploy.operating.backups.manifest import NAME
from deploy.operating.installation import OperationError
from deploy.operating.locks import held

DEFAULT: Final = Path(__file__).parents[2] / "backups"
_NAMED: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_UNFINISHED: Final = ".unfinished"
_LOCK: Final = ".lock"


def backups(root: Path) -> list[Path]:
    """All complete ones, oldest first."""
    if not root.is_dir():
        return []
    return sorted(each for each in root.iterdir() if _NAMED.fullmatch(each.name) and (each / NAME).exists())


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Make the directory if it is missing; nobody else writes into it meanwhile. What an interrupted backup
    left is removed.

    OperationError if another backup is under way, or the directory cannot be used.
    """
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OperationError(f"backups cannot be kept in {root}: {error.strerror}") from error
    with held(root / _LOCK, f"another backup into {root} is under way"):
        for left in root.glob(f".*{_UNFINISHED}"):
            shutil.rmtree(left)
        yield


@contextmanager
def new(root: Path, name: str) -> Iterator[Path]:
    """A directory to fill; it gets its final name when the block ends well, and is removed otherwise. What is
    in it must be on the disk by then. OperationError if the name is taken or the disk full.
    """
    final, unfinished = root / name, root / f".{name}{_UNFINISHED}"
    if final.exists():
        raise OperationError(f"{final} exists already")
    try:
        unfinished.mkdir(mode=0o700)
        yield unfinished
        _sync(unfinished)
        unfinished.rename(final)
        _sync(root)
    except OSError as error:
        raise OperationError(f"the backup cannot be written to {root}: {error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def name_of(begun_at: datetime) -> str:
    """The name of a backup's directory, of which the newest is the last."""
    return f"{begun_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def write(path: Path, text: str) -> None:
    """A new file, its owner's only, on the disk and not only in the system's memory."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())


def prune(root: Path, keep: int) -> list[Path]:
    """Remove all but the newest `keep`; which."""
    superfluous = backups(root)[:-keep]
    for each in superfluous:
        leaving = each.with_name(f".{each.name}{_UNFINISHED}")  # half of one never has a backup's name
        each.rename(leaving)
        shutil.rmtree(leaving)
    return superfluous


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
