"""supervisord: its configuration from our programs, and its remote control.

Nothing starts by itself: `make up` starts programs in order. What dies is started again, after 1, 2, 3 …
seconds when it dies at once. Each program's output goes to a file of its own, of which at most four times
10 MB are kept.
"""

import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.programs import Program, StartError, is_alive, log_tail

USER = "ambito"
_LIVELY = {"STARTING", "RUNNING", "BACKOFF", "STOPPING"}


@dataclass(frozen=True)
class ProcessState:
    """What supervisord knows of a program."""

    name: str
    state: str  # RUNNING, STARTING, BACKOFF, STOPPED, EXITED, FATAL
    pid: int  # 0 when not running
    seconds: int  # since it was started
    note: str


class Supervisor:
    """One supervisord, its files in `home`, reached over 127.0.0.1 with a password."""

    def __init__(self, home: Path, logs: Path, port: int, password: str) -> None:
        self._home = home
        self._logs = logs
        self._port = port
        self._password = password
        self._url = f"http://{USER}:{password}@127.0.0.1:{port}/RPC2"

    def log(self, name: str) -> Path:
        """Where a program's output goes."""
        return self._logs / f"{name}.log"

    def pid(self) -> int | None:
        """supervisord's process id; None when it does not answer."""
        try:
            return int(self._call("getPID"))
        except (OSError, xmlrpc.client.Error):
            return None

    def apply(self, programs: Sequence[Program], environment: dict[str, str]) -> None:
        """Start supervisord with these programs, or, if it runs, stop and replace those that have changed."""
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        file = self._home / "supervisord.conf"
        file.touch(mode=0o600)
        file.write_text(self._configuration(programs))
        if self.pid() is None:
            self._start(file, environment)
        else:
            self._reload()

    def start(self, names: Iterable[str]) -> None:
        """Start what is not running; returns at once."""
        running = {state.name for state in self.states() if state.state in _LIVELY}
        for name in names:
            if name not in running:
                self._call("startProcess", name, False)

    def stop(self, names: Iterable[str], timeout_seconds: float) -> None:
        """Stop programs together and wait until they have ended (supervisord kills what does not listen)."""
        wanted = set(names)
        for state in self.states():
            if state.name in wanted and state.state in _LIVELY - {"STOPPING"}:
                self._call("stopProcess", state.name, False)
        deadline = time.monotonic() + timeout_seconds
        while lively := [s.name for s in self.states() if s.name in wanted and s.state in _LIVELY]:
            if time.monotonic() > deadline:
                raise StartError(f"still running after {timeout_seconds:.0f} s: {', '.join(lively)}")
            time.sleep(0.05)

    def shut_down(self, timeout_seconds: float = 120) -> None:
        """End supervisord and whatever still runs below it."""
        pid = self._call("getPID")
        self._call("shutdown")
        deadline = time.monotonic() + timeout_seconds
        while is_alive(pid):
            if time.monotonic() > deadline:
                raise StartError(f"supervisord did not end in {timeout_seconds:.0f} s")
            time.sleep(0.05)

    def signal(self, name: str, number: int) -> None:
        """Send a program a signal."""
        self._call("signalProcess", name, str(number))

    def states(self) -> list[ProcessState]:
        """All programs; an empty list when supervisord does not answer."""
        try:
            answers = self._call("getAllProcessInfo")
        except OSError:
            return []
        return [
            ProcessState(
                name=str(info["name"]),
                state=str(info["statename"]),
                pid=int(info["pid"]),
                seconds=max(0, int(info["now"]) - int(info["start"])) if info["pid"] else 0,
                note=str(info["spawnerr"] or info["description"]),
            )
            for info in answers
        ]

    def state(self, name: str) -> ProcessState:
        """One program's state; KeyError if there is no such program."""
        for state in self.states():
            if state.name == name:
                return state
        raise KeyError(name)

    def _call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 (whatever supervisord answers)
        with xmlrpc.client.ServerProxy(self._url) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def _start(self, file: Path, environment: dict[str, str]) -> None:
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(file)]
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise StartError(f"supervisord did not start:\n{done.stdout}{done.stderr}".rstrip())
        deadline = time.monotonic() + 20
        while self.pid() is None:
            if time.monotonic() > deadline:
                tail = log_tail(self._home / "supervisord.log")
                raise StartError(f"supervisord does not answer on 127.0.0.1:{self._port}\n{tail}")
            time.sleep(0.05)

    def _reload(self) -> None:
        ((added, changed, removed),) = self._call("reloadConfig")
        self.stop([*changed, *removed], timeout_seconds=90)
        for name in [*changed, *removed]:
            self._call("removeProcessGroup", name)
        for name in [*changed, *added]:
            self._call("addProcessGroup", name)

    def _configuration(self, programs: Sequence[Program]) -> str:
        sections: dict[str, dict[str, object]] = {
            "supervisord": {
                "logfile": self._home / "supervisord.log",
                "logfile_maxbytes": "5MB",
                "logfile_backups": 1,
                "pidfile": self._home / "supervisord.pid",
                "childlogdir": self._home,
                "directory": self._home,
                "minfds": 4096,
            },
            "inet_http_server": {
                "port": f"127.0.0.1:{self._port}",
                "username": USER,
                "password": self._password,
            },
            "rpcinterface:supervisor": {
                "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
            },
        }
        for program in programs:
            sections[f"program:{program.name}"] = self._section(program)
        return "\n".join(
            f"[{name}]\n" + "".join(f"{key}={_escape(value)}\n" for key, value in options.items())
            for name, options in sections.items()
        )

    def _section(self, program: Program) -> dict[str, object]:
        section: dict[str, object] = {
            "command": shlex.join(program.command),
            "directory": program.directory,
            "environment": ",".join(
                f"{name}={_quote(value)}" for name, value in sorted(program.environment.items())
            ),
            "autostart": "false",
            "autorestart": "true",
            "startsecs": 1,
            "startretries": 100_000,
            "stopsignal": program.stop_signal.name.removeprefix("SIG"),
            "stopwaitsecs": program.stop_seconds,
            "stopasgroup": "false",
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": self.log(program.name),
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": 3,
        }
        if program.user is not None:
            section["user"] = program.user
        return section


def _quote(text: str) -> str:
    if '"' in text or "\n" in text:  # supervisord has no way to write them
        raise ValueError("an environment variable with a quote or a line break")
    return f'"{text}"'


def _escape(value: object) -> str:
    return str(value).replace("%", "%%")
