"""`make logs`: all logs in one stream, each line with the name of its process."""

import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO


class Tail:
    """One log, followed through rotation. To be closed."""

    def __init__(self, path: Path, lines: int | None) -> None:
        """Begins with the last `lines`; with all when None."""
        self._path = path
        self._open()
        begin = self._file.read().splitlines(keepends=True)
        self._unread = "".join(begin if lines is None else begin[len(begin) - min(lines, len(begin)) :])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def read(self) -> list[str]:
        """Complete lines since the last call."""
        rotated = self._is_rotated()  # asked first: what is written to the old file until then is read below
        self._unread += self._file.read()
        if rotated:
            self._file.close()
            self._open()
            self._unread += self._file.read()
        *complete, self._unread = self._unread.split("\n")
        return complete

    def _open(self) -> None:
        self._file: TextIO = self._path.open(errors="replace")
        self._inode = self._path.stat().st_ino

    def _is_rotated(self) -> bool:
        try:
            return self._path.stat().st_ino != self._inode
        except FileNotFoundError:  # between the old one's renaming and the new one's first line
            return False


def follow(logs: Path, names: list[str], *, lines: int = 10, once: bool = False) -> None:
    """Print the last `lines` of each log and, unless `once`, go on until interrupted.

    `names`: processes to show; all when empty.
    """
    tails: dict[str, Tail] = {}
    old_lines: int | None = lines
    with ExitStack() as open_tails:
        while True:
            for path in sorted(logs.glob("*.log")):
                if path.stem not in tails and (not names or path.stem in names):
                    tails[path.stem] = open_tails.enter_context(Tail(path, old_lines))
            width = max((len(name) for name in tails), default=0)
            for name, tail in tails.items():
                for line in tail.read():
                    print(f"{name:<{width}} | {line}", flush=True)
            if once:
                return
            old_lines = None  # a log that appears later is shown from its beginning
            time.sleep(0.3)
