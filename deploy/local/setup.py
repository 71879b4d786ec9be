"""Between running servers and running processes: databases, migrations, broker, the territory's data."""

import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import httpx

from deploy.broker.topology import topology
from deploy.local import environment
from deploy.local.commands import Command, run_together
from deploy.local.databases import ensure_database
from deploy.local.environment import SERVICES
from deploy.local.postgres import PostgresServer
from deploy.local.programs import StartError
from deploy.local.secrets import Secrets
from deploy.local.servers import Servers, Step
from deploy.local.state import Ports
from services.chassis.messaging.topology import Topology
from services.chassis.messaging.topology_apply import apply, check_bindings
from services.chassis.messaging.topology_check import TopologyError
from services.contracts.territory import Territory, TerritoryErrors, read_territory

DEMO_PASSWORDS = "demo.json"
"""The secret file with the passwords of the territory's staff accounts and API clients."""
LOADING_SERVICES = ("identity", "catalogue", "vouchers")


class Setup:
    """The steps, each of which may be repeated at any time."""

    def __init__(self, secrets: Secrets, folder: Path, servers: Servers, ports: Ports, version: str) -> None:
        """`version`: of the code; the same version migrates and loads the same data only once."""
        self._version = version
        self._secrets = secrets
        self._folder = folder
        self._servers = servers
        self._ports = ports

    def databases(self) -> Iterator[Step]:
        """Databases, their tables and the territory's data."""
        territory = self._territory
        passwords = self._secrets.passwords(DEMO_PASSWORDS, logins(territory))
        yield "databases and roles", self._databases
        inputs = self._inputs(passwords)
        if not self._is_done(inputs):
            yield "migrations", lambda: run_together([self._command(name, "migrate") for name in SERVICES])
            yield f"territory: {territory.ambito.name.it}", lambda: self._load_everywhere(inputs, passwords)

    @cached_property
    def _territory(self) -> Territory:
        try:
            return read_territory(self._folder)
        except TerritoryErrors as failure:
            lines = [f"    {self._folder / e.file}:{e.line}: {e.reason}" for e in failure.errors[:20]]
            raise StartError("\n".join([f"the territory in {self._folder} is not valid:", *lines])) from None

    def _databases(self) -> None:
        if self._servers.postgres is None:
            return
        for name in SERVICES:
            if name not in self._servers.given.database_urls:
                password = self._servers.database_password(name)
                ensure_database(self._servers.postgres.admin_url, name, password)

    def broker(self) -> None:
        """Give the broker its users, exchanges, queues, bindings and policies."""
        wanted = self._topology()
        passwords = {user.name: self._servers.broker_password(user.name) for user in wanted.users}
        with self._management() as management:
            try:
                apply(wanted, management, self._servers.vhost, passwords)
            except TopologyError as error:
                raise StartError(f"the broker does not take the topology: {error}") from error

    def check_broker(self) -> None:
        """Raise StartError, which names each, if the broker has lost bindings."""
        with self._management() as management:
            try:
                check_bindings(self._topology(), management, self._servers.vhost)
            except TopologyError as error:
                raise StartError(str(error)) from error

    def _topology(self) -> Topology:
        return topology(provider.slug for provider in self._territory.providers)

    def _management(self) -> httpx.Client:
        return httpx.Client(base_url=self._servers.management_url, timeout=30, trust_env=False)

    def _command(self, service: str, *arguments: str) -> Command:
        variables = environment.service(service, "cli", self._servers.endpoints(), self._ports, self._secrets)
        return Command(f"services.{service}", arguments, variables)

    def _load_everywhere(self, inputs: str, passwords: Path) -> None:
        run_together([self._load(name, passwords) for name in LOADING_SERVICES])
        if self._servers.postgres is not None:
            self._done_file(self._servers.postgres).write_text(inputs)

    def _is_done(self, inputs: str) -> bool:
        """Whether the private databases are as these inputs make them; of given ones we know nothing."""
        if self._servers.postgres is None or self._servers.given.database_urls:
            return False
        file = self._done_file(self._servers.postgres)
        return file.exists() and file.read_text() == inputs

    def _inputs(self, passwords: Path) -> str:
        """A digest of everything that migrations and loading depend on."""
        digest = hashlib.sha256(self._version.encode())
        for file in [*sorted(self._folder.glob("*.yaml")), passwords]:
            digest.update(f"{file.name}\0".encode())
            digest.update(file.read_bytes())
        return digest.hexdigest()

    def _done_file(self, postgres: PostgresServer) -> Path:
        return postgres.home / "loaded"  # beside the data, so that it goes when they go

    def _load(self, service: str, passwords: Path) -> Command:
        further = ("--passwords", str(passwords)) if service == "identity" else ()
        return self._command(service, "load", str(self._folder), *further)


def logins(territory: Territory) -> list[str]:
    """Everybody in the territory's files who signs in with a password or a client secret."""
    staff = [account.login for account in territory.staff]
    return [*staff, *(client.client_id for client in territory.api_clients)]
