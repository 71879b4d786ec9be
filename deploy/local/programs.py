"""What a process of the installation is, independent of who starts it (the supervisor, or a test)."""

import os
import pwd
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class StartError(Exception):
    """Something could not be started or made ready; the message says what, why and what to do."""


@dataclass(frozen=True)
class Program:
    """A foreground process. `environment` is added to a minimal one, never to the caller's."""

    name: str
    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None  # the system user to run it as; None: as whoever starts it
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: int = 30


def unprivileged(user: str) -> str | None:
    """The user a server must run as: `user` when we are root, whom it refuses; else ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(user)
    except KeyError:
        raise StartError(f"the system user {user!r} does not exist; its Debian package creates it") from None
    return user


def give(path: Path, user: str | None) -> None:
    """Hand `path` and everything below it to `user` (nothing to do when we are not root)."""
    if user is None:
        return
    entry = pwd.getpwnam(user)
    os.chown(path, entry.pw_uid, entry.pw_gid)
    if path.is_dir() and not path.is_symlink():
        for child in path.iterdir():
            give(child, user)


def base_environment() -> dict[str, str]:
    """What every process of the installation gets from the machine, and nothing more."""
    kept = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LANG": "C.UTF-8"}


def is_alive(pid: int) -> bool:
    """True while the process runs; a zombie, which nobody has buried yet, does not."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def log_tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log, indented, for an error message."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return "    (no log)"
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:]) or "    (the log is empty)"
