"""A stack of Docker Swarm of a test session's own, on a swarm of this machine alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docker import DockerClient
from docker.errors import APIError
from docker.models.containers import Container
from docker.models.services import Service

from deploy.local.ports import free_port
from tests.support.polling import eventually
from tests.support.stack import ROOT

SERVERS = ("postgres", "postgres-replica", "rabbitmq", "rabbitmq-2", "rabbitmq-3")


class SwarmStack:
    """`docker stack` on one stack; images are there. Commands that fail raise AssertionError."""

    def __init__(self, client: DockerClient, images: str, secrets: Path) -> None:
        self.client = client
        self.secrets = secrets
        self.name = f"ambito-swarm-{os.getpid()}"
        ports = _free_ports(5)
        self.base_url = f"https://localhost:{ports[0]}"
        self._environment = os.environ | {
            "AMBITO_IMAGES": images,
            "AMBITO_VERSION": "test",
            "AMBITO_SECRETS": str(secrets),
            "AMBITO_STACK": self.name,
            "AMBITO_REPLICAS": "1",
            "HTTPS_PORT": str(ports[0]),
            "HTTP_PORT": str(ports[1]),
            "AMQPS_PORT": str(ports[2]),
            "AMQPS_PORT_2": str(ports[3]),
            "AMQPS_PORT_3": str(ports[4]),
        }

    def deploy(self, *files: Path) -> None:
        named = [part for file in (ROOT / "deploy" / "stack.yaml", *files) for part in ("-c", str(file))]
        self.docker("stack", "deploy", "--resolve-image", "never", *named, self.name)

    def docker(self, *arguments: str, timeout_seconds: float = 300) -> str:
        """Run the engine's own command; its standard output."""
        run = subprocess.run(
            ["docker", *arguments], cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=timeout_seconds, check=False,
        )  # fmt: skip
        assert run.returncode == 0, f"docker {' '.join(arguments)}: {run.stdout[-2000:]}{run.stderr[-2000:]}"
        return run.stdout

    def service(self, name: str) -> Service:
        found: Service = self.client.services.get(f"{self.name}_{name}")
        return found

    def wait(self, timeout_seconds: float = 900) -> None:
        """Until every service has its replicas and every job is done."""
        eventually(self._has_settled, timeout_seconds=timeout_seconds)

    def scale(self, name: str, replicas: int) -> None:
        self.service(name).scale(replicas)
        self.wait()

    def update(self, name: str) -> None:
        """Replace all its containers, as for a new version; returns when it is done."""
        options = ("--force", "--detach=false", "--quiet", "--update-monitor=2s")
        self.docker("service", "update", *options, f"{self.name}_{name}")

    def container(self, name: str) -> Container:
        """A running container of a service."""
        label = f"com.docker.swarm.service.name={self.name}_{name}"
        found: list[Container] = self.client.containers.list(filters={"label": label}, ignore_removed=True)
        return found[0]

    def _has_settled(self) -> bool:
        for service in self.client.services.list(filters={"name": f"{self.name}_"}, status=True):
            status = service.attrs["ServiceStatus"]
            done = (
                status.get("CompletedTasks", 0) if "ReplicatedJob" in service.attrs["Spec"]["Mode"] else None
            )
            missing = f"{service.name}: {status}"
            if done is None:
                assert status["RunningTasks"] == status["DesiredTasks"], missing
            else:
                assert done, missing
        return True


@contextmanager
def swarm_stack(client: DockerClient, images: str, secrets: Path) -> Iterator[SwarmStack]:
    """On a swarm that is made for it and left afterwards, with everything that was on it."""
    client.swarm.init(advertise_addr="127.0.0.1", listen_addr="127.0.0.1")
    stack = SwarmStack(client, images, secrets)
    try:
        [node] = client.nodes.list()
        labels = {f"ambito.{server}": "yes" for server in SERVERS}
        node.update({**node.attrs["Spec"], "Labels": labels})
        yield stack
    finally:
        stack.docker("stack", "rm", stack.name)
        eventually(lambda: _left(client), timeout_seconds=120)
        eventually(lambda: not _left_over(client, stack.name), timeout_seconds=120)
        for volume in client.volumes.list(filters={"label": f"com.docker.stack.namespace={stack.name}"}):
            volume.remove(force=True)


def _left(client: DockerClient) -> bool:
    """Leaves the swarm; whether it has been left. The engine gives up when there is much to end."""
    try:
        client.swarm.leave(force=True)
    except APIError as error:
        return "not part of a swarm" in str(error)
    return True


def _left_over(client: DockerClient, name: str) -> bool:
    """Removes what the engine leaves of a stack; whether there was something."""
    label = f"com.docker.stack.namespace={name}"
    left = client.containers.list(all=True, filters={"label": label}, ignore_removed=True)
    for each in left:
        each.remove(force=True)
    return bool(left)


def _free_ports(number: int) -> list[int]:
    ports: list[int] = []
    while len(ports) < number:
        ports.append(free_port(ports))
    return ports
