"""A private PostgreSQL server in a directory: on 127.0.0.1 only, with passwords, as an ordinary user."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from deploy.local.programs import Program, StartError, base_environment, give, unprivileged

SUPERUSER = "ambito_admin"
SHARED_BUFFERS = "128MB"
"""PostgreSQL's own default: what it keeps of its tables in memory of its own."""


def find_binaries() -> Path | None:
    """The directory with `initdb` and `postgres`, the newest version first; None if not installed."""
    candidates = [*Path("/usr/lib/postgresql").glob("*/bin"), *map(Path, os.get_exec_path())]
    usable = [path for path in candidates if (path / "initdb").exists() and (path / "postgres").exists()]

    def version(path: Path) -> int:
        return int(path.parent.name) if path.parent.name.isdigit() else 0

    return max(usable, key=version, default=None)


@dataclass(frozen=True)
class PostgresServer:
    """`home` must be reachable by the user `postgres` when we are root."""

    home: Path
    port: int
    password: str  # of the superuser; letters, digits, - and _ only (it stands in URLs)
    shared_buffers: str = SHARED_BUFFERS
    durable: bool = True  # False trades crash safety for speed: tests only

    @property
    def data(self) -> Path:
        return self.home / "data"

    def url(self, user: str, password: str, database: str) -> str:
        """A libpq URL of a database on this server."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    @property
    def admin_url(self) -> str:
        return self.url(SUPERUSER, self.password, "postgres")

    def prepare(self) -> None:
        """Create the cluster if there is none, and write its configuration. Raises StartError."""
        self.home.mkdir(parents=True, exist_ok=True)
        user = unprivileged("postgres")
        give(self.home, user)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(user)
        self._configure(user)

    def program(self) -> Program:
        """The server in the foreground; SIGINT is PostgreSQL's fast, clean shutdown."""
        return Program(
            name="postgres",
            command=(str(_binaries() / "postgres"), "-D", str(self.data)),
            directory=self.home,
            environment=base_environment() | {"HOME": str(self.home)},
            user=unprivileged("postgres"),
            stop_signal=signal.SIGINT,
            stop_seconds=30,
        )

    def wait_ready(self, is_running: Callable[[], bool], timeout_seconds: float = 60) -> None:
        """Return when the server answers; StartError when it has died or the time is over."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                psycopg.connect(self.admin_url, connect_timeout=3).close()
            except psycopg.OperationalError as error:
                if not is_running():
                    raise StartError("PostgreSQL ended while starting") from error
                if time.monotonic() > deadline:
                    waited = f"{timeout_seconds:.0f} s"
                    raise StartError(f"PostgreSQL did not answer in {waited}: {error}") from error
                time.sleep(0.1)
            else:
                return

    def _initialise(self, user: str | None) -> None:
        password_file = self.home / "superuser-password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        give(password_file, user)
        command = [
            str(_binaries() / "initdb"),
            f"--pgdata={self.data}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
        ]
        if not self.durable:
            command.append("--no-sync")
        try:
            done = subprocess.run(
                command,
                cwd=self.home,
                env=base_environment() | {"HOME": str(self.home)},
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        finally:
            password_file.unlink()
        if done.returncode != 0:
            raise StartError(f"initdb failed in {self.home}:\n{done.stdout}{done.stderr}".rstrip())

    def _configure(self, user: str | None) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            # No socket: its path is limited to 107 bytes, and nobody needs it.
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            "max_connections": 200,
            "shared_buffers": self.shared_buffers,
            "work_mem": "8MB",
            "max_wal_size": "1GB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %q%u@%d ",
            "log_checkpoints": "off",
            "jit": "off",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        lines = [f"{name} = '{value}'" for name, value in settings.items()]
        written = {
            "postgresql.conf": "\n".join(lines) + "\n",
            "pg_hba.conf": "host all all 127.0.0.1/32 scram-sha-256\n",
        }
        for name, text in written.items():
            path = self.data / name
            path.write_text(text)
            give(path, user)


def _binaries() -> Path:
    found = find_binaries()
    if found is None:
        raise StartError("PostgreSQL is not installed: apt-get install postgresql")
    return found
