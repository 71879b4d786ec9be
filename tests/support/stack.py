"""An installation in containers of a test session's own: other names, ports and secrets than any other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from docker import DockerClient
from docker.errors import DockerException
from docker.models.containers import Container

from deploy.local.ports import free_port
from tests.support.containers import logged, output, psql, service_of
from tests.support.polling import eventually

ROOT = Path(__file__).parents[2]
COMMAND_SECONDS = 900.0
"""For a command that has hung: building, or an upgrade of all processes, takes minutes on a busy machine."""
PROCESSES = (
    "identity-grpc", "identity-worker", "identity-relay",
    "catalogue-grpc", "catalogue-worker", "catalogue-relay",
    "vouchers-grpc", "vouchers-worker", "vouchers-relay",
    "notifications-grpc", "notifications-worker", "notifications-relay", "notifications-deliver",
    "gateway",
)  # fmt: skip


class Stack:
    """`docker compose` on one project. Commands that fail raise AssertionError with what they printed."""

    def __init__(
        self, client: DockerClient, directory: Path, files: Sequence[str] = (), name: str = ""
    ) -> None:
        """`files`: more of the project's compose files. `name` tells several stacks of a session apart."""
        self.client = client
        self.project = f"ambito-test-{os.getpid()}{name}"
        self.images = os.environ.get("AMBITO_TEST_IMAGES", "ambito-test")  # several runs beside each other
        self.directory = directory
        self.secrets = directory / "secrets"
        self.secrets.mkdir(parents=True)
        self.backups = directory / "backups"
        self.apart = directory / "apart.yaml"  # a copy: `comune apart` writes into it
        self.apart.write_bytes((ROOT / "deploy" / "apart.yaml").read_bytes())
        http, https, amqp, amqps, amqp_2, amqp_3, prometheus = _free_ports(7)
        self._environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_ANSI": "never",
            "AMBITO_IMAGES": self.images,
            "AMBITO_VERSION": "test",
            "AMBITO_SECRETS": str(self.secrets),
            "AMBITO_BACKUPS": str(self.backups),
            "AMBITO_APART": str(self.apart),
            "HTTP_BIND": f"127.0.0.1:{http}",
            "HTTPS_BIND": f"127.0.0.1:{https}",
            "AMQP_BIND": f"127.0.0.1:{amqp}",
            "AMQP_BIND_2": f"127.0.0.1:{amqp_2}",
            "AMQP_BIND_3": f"127.0.0.1:{amqp_3}",
            "AMQPS_BIND": f"127.0.0.1:{amqps}",
            "PROMETHEUS_BIND": f"127.0.0.1:{prometheus}",
        }
        self.base_url = f"http://127.0.0.1:{http}"
        self.api = f"{self.base_url}/api/v1"
        self.https, self.amqps, self.prometheus = https, amqps, prometheus
        self.brokers = (amqp, amqp_2, amqp_3)
        """Ports; the second and third with compose.cluster.yaml."""
        self._files = ["deploy/compose.yaml", "deploy/compose.demo.yaml", *files]

    def overlay(self, content: dict[str, Any]) -> None:
        """One more compose file for every later command."""
        file = self.directory / f"overlay-{len(self._files)}.json"
        file.write_text(json.dumps(content))
        self._files.append(str(file))

    @contextmanager
    def under(self, *files: str, services: Sequence[str]) -> Iterator[None]:
        """These services up with more compose files; afterwards as before. Nobody else's containers start
        again, nor what prepares an installation.
        """
        up = ("up", "--detach", "--wait", "--no-deps")
        try:
            with self.with_files(*files):
                self.compose(*up, *services)
                yield
        finally:
            known = self.compose("config", "--services").split()
            self.compose(*up, "--remove-orphans", *(each for each in services if each in known))

    @contextmanager
    def with_files(self, *files: str) -> Iterator[None]:
        """More compose files for the commands within."""
        before = self._files
        self._files = [*before, *files]
        try:
            yield
        finally:
            self._files = before

    def compose(self, *arguments: str) -> str:
        """Run a command of compose; its standard output."""
        return _compose(self._files, arguments, self._environment)

    def down(self) -> None:
        """End it and delete its data. `docker compose down` knows only of what is in its files: what a former
        overlay brought is deleted too, as the engine has but some thirty networks to give.
        """
        self.compose("--profile", "tools", "down", "--volumes", "--remove-orphans", "--timeout", "0")
        own = {"label": f"com.docker.compose.project={self.project}"}
        for network in self.client.networks.list(filters=own):
            network.remove()
        for volume in self.client.volumes.list(filters=own):
            volume.remove()

    def operate(self, *arguments: str) -> Any:
        """What `python -m deploy` answers."""
        run = self.operation(*arguments)
        assert run.returncode == 0, f"{' '.join(arguments)}: {run.stdout[-2000:]}{run.stderr[-4000:]}"
        return json.loads(run.stdout)

    def operation(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A run of `python -m deploy`, however it ends."""
        return subprocess.run(
            [sys.executable, "-m", "deploy", "--project", self.project, "--json", *arguments],
            cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=COMMAND_SECONDS, check=False,
        )  # fmt: skip

    def scale(self, service: str, replicas: int) -> None:
        """As many containers of this service as said; all healthy."""
        self.scale_all({service: replicas})

    def scale_all(self, replicas: dict[str, int]) -> None:
        """The same for several services at once."""
        numbers = [
            part for service, number in replicas.items() for part in ("--scale", f"{service}={number}")
        ]
        options = ("--detach", "--wait", "--no-recreate", "--no-deps")
        self.compose("up", *options, *numbers, *replicas)

    @contextmanager
    def built(self, root: Path, version: str) -> Iterator[None]:
        """While images of this version are there, made from another copy of the project."""
        environment = {**self._environment, "AMBITO_VERSION": version}
        arguments = ["--profile", "tools", "build", "--quiet"]
        files = [f"{root}/deploy/compose.yaml", f"{root}/deploy/compose.demo.yaml"]
        _compose(files, arguments, environment)
        try:
            yield
        finally:
            for image in self.client.images.list(filters={"reference": f"{self.images}/*:{version}"}):
                self.client.images.remove(f"{image.tags[0].rpartition(':')[0]}:{version}", force=True)

    def sql(self, database: str, statement: str) -> str:
        """What PostgreSQL's superuser is answered, a line for each row."""
        return psql(self.container("postgres"), database, statement)

    def rebuilt(self, service: str, root: Path) -> list[str]:
        """The layers of a service's image when it is made from another copy of the project."""
        version = "rebuilt"
        environment = {**self._environment, "AMBITO_VERSION": version}
        _compose([f"{root}/deploy/compose.yaml"], ["build", "--quiet", f"{service}-grpc"], environment)
        image = f"{self.images}/{service}:{version}"
        layers: list[str] = self.client.images.get(image).attrs["RootFS"]["Layers"]
        self.client.images.remove(image)
        return layers

    def containers(self, *services: str, all_states: bool = False) -> list[Container]:
        """The containers of these services, or of all."""
        found: list[Container] = self.client.containers.list(
            all=all_states,
            filters={"label": f"com.docker.compose.project={self.project}"},
            ignore_removed=True,  # between being listed and being looked at
        )
        return [each for each in found if not services or service_of(each) in services]

    def container(self, service: str) -> Container:
        """The only container of a service."""
        (found,) = self.containers(service, all_states=True)
        return found

    def image(self, target: str) -> str:
        return f"{self.images}/{target}:test"

    def python(self, container: Container, program: str, *arguments: str) -> Any:
        """Run a program of `inside/` in it, as the container's own user; the JSON value that it prints."""
        return json.loads(output(container, ["python", "-c", _inside(program), *arguments]))

    def python_in_image(self, target: str, program: str) -> Any:
        """As `python`, in a container of its own of the image."""
        command = ["python", "-c", _inside(program)]
        return json.loads(
            self.client.containers.run(
                self.image(target), entrypoint=command, network_mode="none", remove=True
            )
        )

    def told(self, lines: int = 25) -> str:
        """How every container is, and the last that it logged and that was worth a warning."""
        parts = []
        for each in self.containers(all_states=True):
            state = each.attrs["State"]
            health = state.get("Health", {}).get("Status", "")
            parts.append(f"{service_of(each)}: {state['Status']} {health}, since {state['StartedAt']}")
            log = logged(each, 400, with_times=True)
            notable = [line for line in log[:-3] if '"level": "info"' not in line][-lines:]
            parts += [line[:400] for line in (*notable, *log[-3:])]
        return "\n".join(parts)

    def kill(self, container: Container) -> None:
        """SIGKILL to its process, as the kernel sends it: `docker kill` would also forbid the restart."""
        self.client.containers.run(
            self.image("operations"),
            entrypoint=["python", "-c", f"import os; os.kill({container.attrs['State']['Pid']}, 9)"],
            user="0:0", pid_mode="host", network_mode="none", remove=True,
        )  # fmt: skip

    def wait_healthy(self, *services: str, timeout_seconds: float = 120) -> None:
        def healthy() -> bool:
            states = {
                each.name: each.attrs["State"]["Health"]["Status"] for each in self.containers(*services)
            }
            assert len(states) >= len(services), f"only {states}"
            assert set(states.values()) == {"healthy"}, states
            return True

        eventually(healthy, timeout_seconds=timeout_seconds)


def _free_ports(number: int) -> list[int]:
    ports: list[int] = []
    while len(ports) < number:
        ports.append(free_port(ports))
    return ports


def _inside(program: str) -> str:
    return (ROOT / "tests" / "deploy" / "containers" / "inside" / f"{program}.py").read_text()


def _compose(files: Sequence[str], arguments: Sequence[str], environment: dict[str, str]) -> str:
    run = subprocess.run(
        ["docker", "compose", *(part for file in files for part in ("-f", file)), *arguments],
        cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=COMMAND_SECONDS, check=False,
    )  # fmt: skip
    if run.returncode:
        raise AssertionError(
            f"docker compose {' '.join(arguments)}: {run.stdout[-4000:]}{run.stderr[-4000:]}"
        )
    return run.stdout


@contextmanager
def engine() -> Iterator[DockerClient | None]:
    """Docker Engine, or None where none answers."""
    try:
        client = docker.from_env(timeout=60)
    except DockerException:
        yield None
        return
    try:
        yield client
    finally:
        client.close()


@contextmanager
def running(
    client: DockerClient,
    directory: Path,
    overlays: Sequence[dict[str, Any]] = (),
    *,
    files: Sequence[str] = (),
    name: str = "",
) -> Iterator[Stack]:
    """A stack that was built and is up and healthy; ended and deleted afterwards, but for its images."""
    stack = Stack(client, directory, files, name)
    for overlay in overlays:
        stack.overlay(overlay)
    stack.compose("--profile", "tools", "build", "--quiet")
    try:
        stack.compose("run", "--rm", "secrets")
        stack.compose("up", "--detach", "--wait")
        yield stack
    finally:
        stack.down()
