"""One installation of the whole system on this machine, and everything that can be done with it."""

import os
import signal
import time
from collections.abc import Container, Mapping, Sequence
from itertools import chain
from pathlib import Path

from deploy.broker.topology import cooperative_user
from deploy.local import leftovers, packages
from deploy.local.commands import Command
from deploy.local.environment import service as service_environment
from deploy.local.layout import OWN_VAR, ROOT, Given, Layout, default_var
from deploy.local.members import Adjust, Member, code_version, members, unchanged
from deploy.local.programs import StartError, base_environment, log_tail
from deploy.local.progress import Progress
from deploy.local.reconcile import CannotReadBooks, lasting_differences, printed_by, read_books
from deploy.local.secrets import Secrets
from deploy.local.servers import Servers
from deploy.local.setup import Setup
from deploy.local.state import Ports
from deploy.local.supervision import ProcessState, Supervisor

READY_TIMEOUT_SECONDS = 180
DEATHS = 4
"""A process that was started so often without becoming healthy will not become so."""
TERRITORY = ROOT / "deploy" / "data" / "tradate"


class Instance:
    """The installation in `var`; several can run side by side in different directories.

    `environment`: may name servers that exist already (`DATABASE_URL_<SERVICE>`, `AMQP_URL` with
    `AMQP_MANAGEMENT_URL`); without them the installation runs private ones. `adjust`: changes what single
    programs are told; for tests, which may put something between two parts.
    """

    def __init__(
        self,
        var: Path | None = None,
        *,
        territory: Path = TERRITORY,
        environment: Mapping[str, str] = os.environ,
        adjust: Adjust = unchanged,
        quiet: bool = False,
    ) -> None:
        self.layout = Layout((var or default_var()).resolve())
        self.secrets = Secrets(self.layout.secrets)
        self.territory = territory
        self._given = Given.from_environment(environment)
        self._adjust = adjust
        self._progress = Progress(quiet=quiet)

    @property
    def ports(self) -> Ports:
        return Ports(self.layout.instance_file, well_known=self.layout.var == OWN_VAR)

    @property
    def base_url(self) -> str:
        """Where the gateway answers, without a slash at the end."""
        return f"http://127.0.0.1:{self.ports['gateway']}"

    def reconcile(self) -> list[str]:
        """Where seats, bookings and holds disagree, and go on disagreeing; empty when all is well.

        Raises StartError.
        """
        try:
            return lasting_differences(
                lambda: read_books(lambda service, command: printed_by(self.command(service, command)))
            )
        except CannotReadBooks as error:
            raise StartError(f"seats, bookings and holds cannot be compared: {error}") from error

    def cooperative_amqp_url(self, slug: str) -> str:
        """How a cooperative's own system reaches its queue `coop.<slug>`, with its own broker user."""
        return self._servers(self.ports).amqp_url(cooperative_user(slug))

    def database_url(self, service: str) -> str:
        """SQLAlchemy URL of a service's database."""
        return self._servers(self.ports).endpoints().database_urls[service]

    def management_url(self) -> str:
        """Of the broker's management API, with an administrator's credentials."""
        return self._servers(self.ports).management_url

    def command(self, service: str, *arguments: str) -> Command:
        """`python -m services.<service> <arguments>` in the service's environment, ready to run."""
        ports = self.ports
        endpoints = self._servers(ports).endpoints()
        return Command(
            f"services.{service}",
            arguments,
            service_environment(service, "cli", endpoints, ports, self.secrets),
        )

    def apply_topology(self) -> None:
        """Give the broker again what the system asks of it, as `up` does. Raises StartError."""
        self._setup().broker()

    def check_topology(self) -> None:
        """Raise StartError, which names each, if the broker has lost bindings of services or cooperatives."""
        self._setup().check_broker()

    def control_broker(self, *arguments: str) -> str:
        """What `rabbitmqctl` with these says, on the installation's own broker. Raises StartError."""
        broker = self._servers(self.ports).rabbitmq
        if broker is None:
            raise StartError("the broker is not the installation's own")
        return broker.control(*arguments)

    def places(self) -> dict[str, str]:
        """Where to look, for a person."""
        return {
            "Portal": f"{self.base_url}/portal/   (cooperatives' desks: coop.…)",
            "API": f"{self.base_url}/api/v1",
            "API, to try": f"{self.base_url}/docs",
            "Status": f"{self.base_url}/status   (processes: make status)",
            "Logs": f"make logs   ({self.layout.logs})",
            "Sent e-mail": f"{self.layout.mail}",
            "Stop": "make down",
        }

    def up(self) -> None:
        """Bring everything up and wait until it is healthy; harmless when it is. Raises StartError."""
        started = time.monotonic()
        given = self._given
        packages.ensure(self._progress, database=given.needs_postgres, broker=given.broker is None)
        with self.layout.lock():
            ports = self._clear_the_way()
            version = code_version()
            servers = self._servers(ports)
            setup = Setup(self.secrets, self.territory, servers, ports, version)
            endpoints = servers.endpoints()
            everyone = members(self.layout, endpoints, ports, self.secrets, version, adjust=self._adjust)
            supervisor = self._supervisor(ports)
            with self._progress.step("supervisor"):
                servers.prepare()
                programs = [*servers.programs(), *(member.program for member in everyone)]
                supervisor.apply(programs, base_environment() | {leftovers.MARK: str(self.layout.var)})
            # RabbitMQ starts while tables are made and filled, which need a broker no more than it them.
            steps = (
                servers.starts(supervisor),
                setup.databases(),
                servers.broker_answers(supervisor),
                [("broker: users, exchanges, queues, policies", setup.broker)],
            )
            for description, work in chain.from_iterable(steps):
                with self._progress.step(description):
                    work()
            with self._progress.step(f"{len(everyone)} processes"):
                supervisor.start(member.program.name for member in everyone)
                _wait_ready(everyone, supervisor)
        self._progress.say(f"Up in {time.monotonic() - started:.0f} s.")

    def down(self) -> None:
        """End everything that `up` started, and nothing else. Harmless when nothing runs."""
        with self.layout.lock():
            supervisor = self._supervisor(self.ports)
            if supervisor.pid() is not None:
                names = [state.name for state in supervisor.states()]
                servers = [name for name in names if name in Servers.NAMES]
                with self._progress.step("stopping the processes"):
                    supervisor.stop([name for name in names if name not in servers], timeout_seconds=90)
                with self._progress.step("stopping the servers and the supervisor"):
                    supervisor.stop([name for name in servers if name != "epmd"], timeout_seconds=120)
                    supervisor.stop(["epmd"], timeout_seconds=20)
                    supervisor.shut_down()
            ended = leftovers.end(self.layout.var, self.layout.system_place)
            for line in ended:
                self._progress.say(f"    ended what the supervisor no longer held: {line}")
            remaining = leftovers.find(self.layout.var, self.layout.system_place)
            if remaining:
                raise StartError(f"these processes do not end: {remaining}")

    def clean(self) -> None:
        """End everything and delete its data, secrets and logs."""
        self.down()
        self.layout.remove()

    def states(self) -> list[ProcessState]:
        """Every program with its state; empty when the installation is down."""
        if not self.layout.instance_file.exists():
            return []
        return self._supervisor(self.ports).states()

    def not_ready(self, among: Container[str] | None = None) -> dict[str, str]:
        """The application's processes that are not healthy now, each with the reason; asks all of them, or
        those named.
        """
        ports = self.ports
        endpoints = self._servers(ports).endpoints()
        everyone = members(self.layout, endpoints, ports, self.secrets, version="")
        asked = [member for member in everyone if among is None or member.program.name in among]
        reasons = {member.program.name: member.probe() for member in asked}
        return {name: reason for name, reason in reasons.items() if reason}

    def pid(self, program: str) -> int:
        """The process id of a program; 0 when it does not run, KeyError when there is none of this name."""
        return self._supervisor(self.ports).state(program).pid

    def kill(self, program: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a program a signal; the supervisor starts again what dies of it."""
        self._supervisor(self.ports).signal(program, number)

    def stop(self, program: str) -> None:
        """Stop a program in order, until `start`."""
        self._supervisor(self.ports).stop([program], timeout_seconds=120)

    def start(self, program: str) -> None:
        """Start a stopped program; returns at once."""
        self._supervisor(self.ports).start([program])

    def restart(self, program: str) -> None:
        """Stop a program in order and start it again."""
        self.stop(program)
        self.start(program)

    def wait_ready(self, timeout_seconds: float = READY_TIMEOUT_SECONDS) -> None:
        """Return when every process of the application is healthy. Raises StartError."""
        deadline = time.monotonic() + timeout_seconds
        while reasons := self.not_ready():
            if time.monotonic() > deadline:
                raise StartError(f"not ready after {timeout_seconds:.0f} s: {reasons}")
            time.sleep(0.2)

    def _setup(self) -> Setup:
        ports = self.ports
        return Setup(self.secrets, self.territory, self._servers(ports), ports, version="")

    def _servers(self, ports: Ports) -> Servers:
        return Servers(self.layout, ports, self.secrets, self._given)

    def _supervisor(self, ports: Ports) -> Supervisor:
        password = self.secrets.password("supervisor")
        return Supervisor(self.layout.supervisor, self.layout.logs, ports["supervisor"], password)

    def _clear_the_way(self) -> Ports:
        """The ports; when nothing runs, end what a killed supervisor left first, and avoid taken ports."""
        ports = self.ports
        if self._supervisor(ports).pid() is None:
            for line in leftovers.end(self.layout.var, self.layout.system_place):
                self._progress.say(f"    ended what a former run had left: {line}")
            for sentence in ports.renew_taken():
                self._progress.say(f"    {sentence}")
        return ports


def _wait_ready(everyone: Sequence[Member], supervisor: Supervisor) -> None:
    """Return when every member is healthy. StartError, with a log, when one keeps dying or time is over."""
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    waiting = list(everyone)
    pids: dict[str, set[int]] = {member.program.name: set() for member in everyone}
    while True:
        unready = [(member, reason) for member in waiting if (reason := member.probe())]
        if not unready:
            return
        waiting = [member for member, _ in unready]
        for state in supervisor.states():
            if state.name in pids and state.pid:
                pids[state.name].add(state.pid)
        for member, reason in unready:
            name = member.program.name
            dying = len(pids[name]) >= DEATHS
            if dying or time.monotonic() > deadline:
                what = (
                    "keeps dying" if dying else f"is not healthy after {READY_TIMEOUT_SECONDS} s ({reason})"
                )
                log = supervisor.log(name)
                raise StartError(
                    f"{name} {what}\n  end of {log}:\n{log_tail(log)}\n"
                    "  mend the cause and run `make up` again; `make logs` shows all logs"
                )
        time.sleep(0.1)
