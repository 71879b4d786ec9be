"""`make logs`: all logs in one stream, each line with the name of its process."""

import time
from pathlib import Path
from typing import TextIO


class _Tail:
    """One log, followed through rotation."""

    def __init__(self, path: Path, lines: int) -> None:
        self._path = path
        self._file: TextIO = path.open(errors="replace")
        self._inode = path.stat().st_ino
        self._partial = ""
        self._begin = self._file.read().splitlines(keepends=True)[-lines:] if lines else []

    def read(self) -> list[str]:
        """Complete lines since the last call."""
        text = self._partial + "".join(self._begin) + self._file.read()
        self._begin = []
        self._reopen_if_rotated()
        *complete, self._partial = text.split("\n")
        return complete

    def _reopen_if_rotated(self) -> None:
        try:
            inode = self._path.stat().st_ino
        except FileNotFoundError:
            return
        if inode != self._inode:
            self._file.close()
            self._file = self._path.open(errors="replace")
            self._inode = inode


def follow(logs: Path, names: list[str], *, lines: int = 10, once: bool = False) -> None:
    """Print the last `lines` of each log and, unless `once`, go on until interrupted.

    `names`: processes to show; all when empty.
    """
    tails: dict[str, _Tail] = {}
    first = True
    while True:
        for path in sorted(logs.glob("*.log")):
            if path.stem not in tails and (not names or path.stem in names):
                tails[path.stem] = _Tail(path, lines if first else 1_000_000)
        width = max((len(name) for name in tails), default=0)
        for name, tail in tails.items():
            for line in tail.read():
                print(f"{name:<{width}} | {line}", flush=True)
        if once:
            return
        first = False
        time.sleep(0.3)
