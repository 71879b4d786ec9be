"""Files that two commands cannot hold at once; one that is killed lets go."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.operating.installation import OperationError


@contextmanager
def held(file: Path, refusal: str) -> Iterator[None]:
    """Meanwhile nobody else can. OperationError with `refusal` if somebody does, or if it cannot be made."""
    try:
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise OperationError(f"{file}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OperationError(refusal) from error
        yield
    finally:
        os.close(lock)
