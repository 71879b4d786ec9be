"""The test run's own RabbitMQ; each test gets a virtual host of its own."""

import itertools
import json
import secrets
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.local.ports import free_port
from deploy.local.programs import StartError
from deploy.local.rabbitmq import ADMIN, RabbitPorts, RabbitServer
from tests.support.disk_alarm import disk_alarm
from tests.support.processes import ProgramRun, explain


@dataclass(frozen=True)
class Vhost:
    """An empty virtual host; both URLs carry the administrator's credentials."""

    name: str
    amqp_url: str
    management_url: str  # of the whole broker: http://user:password@127.0.0.1:port


class Broker:
    """A started node with its port mapper."""

    def __init__(self, home: Path) -> None:
        ports: list[int] = []
        for _ in range(4):
            ports.append(free_port(ports))
        self.server = RabbitServer(home=home, ports=RabbitPorts(*ports), password=secrets.token_urlsafe(16))
        self.log = home.with_suffix(".log")
        self._numbers = itertools.count(1)
        self.server.prepare()
        mapper, self._node_program = self.server.programs()
        self._mapper = ProgramRun(mapper, self.log)
        self.server.wait_mapper_ready(self._mapper.is_running)
        self.start()

    def start(self) -> None:
        """Start the node (again) on the same ports and data."""
        self._node = ProgramRun(self._node_program, self.log)
        try:
            self.server.wait_ready(self._node.is_running)
        except StartError as error:
            self.close()
            raise explain(error, self.log) from error

    def stop(self) -> None:
        """Stop the node in order; durable queues and their messages stay."""
        self._node.stop()

    def kill(self) -> None:
        """Take the node down as a power cut would."""
        self._node.kill()

    def short_of_disk(self) -> AbstractContextManager[None]:
        """While the block runs."""
        return disk_alarm(self.server.control, self.management)

    def connections(self, name: str) -> int:
        """How many of that name it has, whether or not anybody is at the other end."""
        # The management API hears of some only seconds later.
        listed = self.server.control("list_connections", "client_properties", "--formatter=json")
        return sum(
            ["connection_name", "longstr", name] in each["client_properties"] for each in json.loads(listed)
        )

    def close(self) -> None:
        """End the node and its port mapper for good."""
        self._node.kill()
        self._mapper.stop()

    @property
    def management_url(self) -> str:
        """Base URL of the management API, with the administrator's credentials."""
        return self.server.management_url

    def new_vhost(self) -> Vhost:
        """Create a virtual host in which the administrator may do everything."""
        name = f"test-{next(self._numbers)}"
        with self.management() as client:
            client.put(f"/api/vhosts/{name}").raise_for_status()
            everything = {"configure": ".*", "write": ".*", "read": ".*"}
            client.put(f"/api/permissions/{name}/{ADMIN}", json=everything).raise_for_status()
        return Vhost(name=name, amqp_url=self.server.amqp_url(name), management_url=self.management_url)

    def delete_vhost(self, vhost: Vhost) -> None:
        """Delete a virtual host with everything in it; its connections are closed by the broker."""
        with self.management() as client:
            client.delete(f"/api/vhosts/{vhost.name}").raise_for_status()

    def management(self) -> httpx.Client:
        """A client of the management API; to be closed."""
        return httpx.Client(base_url=self.management_url, timeout=30, trust_env=False)
