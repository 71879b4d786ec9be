"""A private RabbitMQ node in a directory: own node name, cookie and port mapper, on 127.0.0.1 only."""

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import httpx

from deploy.local.programs import Program, StartError, base_environment, give, unprivileged

ADMIN = "ambito-admin"
NODE = "ambito@localhost"
FREE_DISK = "100MB"
"""With less the node takes nothing more from those who publish."""
_CONTROL_SECONDS = 60


@dataclass(frozen=True)
class RabbitPorts:
    """Every port the node needs, all on 127.0.0.1."""

    amqp: int
    management: int
    distribution: int
    port_mapper: int


@dataclass(frozen=True)
class RabbitServer:
    """`home` must be reachable by the user `rabbitmq` when we are root.

    Two programs: Erlang's port mapper (epmd), which must listen before the node starts, and the node.
    Left alone, Erlang would start a mapper by itself, which outlives the node and belongs to nobody.
    """

    home: Path
    ports: RabbitPorts
    password: str  # of the administrator; letters, digits, - and _ only (it stands in URLs)
    memory_limit_megabytes: int = 512

    @property
    def management_url(self) -> str:
        """Base URL of the management API, with the administrator's credentials."""
        return f"http://{ADMIN}:{self.password}@127.0.0.1:{self.ports.management}"

    def amqp_url(self, vhost: str = "%2F", user: str = ADMIN, password: str | None = None) -> str:
        """An AMQP URL on this node; `vhost` as it stands in a URL."""
        return f"amqp://{user}:{password or self.password}@127.0.0.1:{self.ports.amqp}/{vhost}"

    def prepare(self) -> None:
        """Write the node's configuration. Raises StartError."""
        user = unprivileged("rabbitmq")
        for directory in (self.home, self.home / "data", self.home / "log"):
            directory.mkdir(parents=True, exist_ok=True)
            give(directory, user)
        cookie = self.home / ".erlang.cookie"
        if not cookie.exists():
            _write(cookie, secrets.token_hex(20), 0o400, user)
        _write(self.home / "rabbitmq.conf", self._configuration(), 0o600, user)
        _write(self.home / "enabled_plugins", "[rabbitmq_management].\n", 0o644, user)

    def programs(self) -> tuple[Program, Program]:
        """The port mapper, then the node (to be started when the mapper listens)."""
        user = unprivileged("rabbitmq")
        environment = base_environment() | self._environment()
        mapper = Program(
            name="epmd",
            command=(_epmd(), "-address", "127.0.0.1", "-port", str(self.ports.port_mapper)),
            directory=self.home,
            environment=environment,
            user=user,
        )
        node = Program(
            name="rabbitmq",
            command=(_rabbitmq_server(),),
            directory=self.home,
            environment=environment,
            user=user,
            stop_signal=signal.SIGTERM,
            stop_seconds=60,
        )
        return mapper, node

    def wait_mapper_ready(self, is_running: Callable[[], bool], timeout_seconds: float = 20) -> None:
        """Return when the port mapper listens; StartError when it has died or the time is over."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.ports.port_mapper), timeout=2).close()
            except OSError as error:
                _give_up("Erlang's port mapper (epmd)", is_running, deadline, timeout_seconds, error)
                time.sleep(0.05)
            else:
                return

    def wait_ready(self, is_running: Callable[[], bool], timeout_seconds: float = 120) -> None:
        """Return when AMQP and the management API answer; StartError when it has died or the time is over."""
        deadline = time.monotonic() + timeout_seconds
        check = f"{self.management_url}/api/health/checks/port-listener/{self.ports.amqp}"
        with httpx.Client(timeout=5, trust_env=False) as client:
            while True:
                try:
                    client.get(check).raise_for_status()
                except httpx.HTTPError as error:
                    _give_up("RabbitMQ", is_running, deadline, timeout_seconds, error)
                    time.sleep(0.2)
                else:
                    return

    def control(self, *arguments: str) -> str:
        """What `rabbitmqctl` with these says, on the running node. Raises StartError, with what it said."""
        _, node = self.programs()
        try:
            done = subprocess.run(
                [Path(node.command[0]).with_name("rabbitmqctl"), "--quiet", *arguments],
                cwd=node.directory,
                env=dict(node.environment),
                user=node.user,
                group=node.user,
                extra_groups=None if node.user is None else [],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_CONTROL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise StartError(f"rabbitmqctl {arguments[0]} did not end in {_CONTROL_SECONDS} s") from None
        if done.returncode != 0:
            raise StartError(f"rabbitmqctl {arguments[0]} failed: {done.stdout.strip()}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),  # of the Erlang cookie
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_MNESIA_BASE": str(self.home / "data"),
            "RABBITMQ_LOG_BASE": str(self.home / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.home / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.home / "advanced.config"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.home / "data" / "config"),
            "RABBITMQ_CONF_ENV_FILE": str(self.home / "rabbitmq-env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.home / "enabled_plugins"),
            "RABBITMQ_DIST_PORT": str(self.ports.distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(self.ports.port_mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_FLAGS": "-start_epmd false",
            # Makes the start script become the node instead of its parent, so that signals reach the node.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _configuration(self) -> str:
        settings = {
            "listeners.tcp.1": f"127.0.0.1:{self.ports.amqp}",
            "management.tcp.ip": "127.0.0.1",
            "management.tcp.port": self.ports.management,
            "default_user": ADMIN,  # instead of guest, whom a new node would get otherwise
            "default_pass": self.password,
            "default_user_tags.administrator": "true",
            "vm_memory_high_watermark.absolute": f"{self.memory_limit_megabytes}MB",
            "disk_free_limit.absolute": FREE_DISK,
            "log.console": "true",
            "log.console.level": "info",
            "log.file": "false",
        }
        return "".join(f"{name} = {value}\n" for name, value in settings.items())


def find_server() -> str | None:
    """The node's own start script; Debian's wrapper in /usr/sbin insists on its own paths and user."""
    debian = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    return str(debian) if debian.exists() else which("rabbitmq-server")


def _rabbitmq_server() -> str:
    found = find_server()
    if found is None:
        raise StartError("RabbitMQ is not installed: apt-get install rabbitmq-server")
    return found


def _epmd() -> str:
    found = which("epmd")
    if found is None:
        raise StartError("Erlang's port mapper (epmd) is not on the PATH; it comes with rabbitmq-server")
    return found


def _give_up(
    what: str, is_running: Callable[[], bool], deadline: float, timeout_seconds: float, error: Exception
) -> None:
    if not is_running():
        raise StartError(f"{what} ended while starting") from error
    if time.monotonic() > deadline:
        raise StartError(f"{what} did not answer in {timeout_seconds:.0f} s: {error}") from error


def _write(path: Path, text: str, mode: int, user: str | None) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    path.chmod(mode)  # whatever the umask is
    give(path, user)
