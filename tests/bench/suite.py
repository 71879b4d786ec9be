"""All scenarios on one installation: set up, measured in turn round by round, and what came of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager

from deploy.local.progress import Progress
from tests.bench.apart import Apart
from tests.bench.commit_to import to_desk, to_queue, to_webhook
from tests.bench.consumer import Consumer
from tests.bench.desks import Desks
from tests.bench.doubled import second_gateway, second_services, second_worker
from tests.bench.drain import Drain
from tests.bench.limits import CLIENTS, Limits
from tests.bench.load import Request
from tests.bench.login import login
from tests.bench.pages import DeskPage
from tests.bench.population import MISSPELT, Population
from tests.bench.relay import RelayWork
from tests.bench.replicas import Replicas
from tests.bench.scenarios import Bench, Generator, Scenario, Throughput
from tests.bench.system import System
from tests.bench.token_check import token_checks
from tests.bench.webhooks import Webhooks
from tests.bench.worker import WorkerWork

BOOKING, WITH_VOUCHER, HOT = "booking", "booking_with_voucher", "booking_with_voucher_hot"
MONTH, SEARCH = "availability_month", "search_misspelt"
TO_QUEUE, TO_WEBHOOK = "commit_to_queue", "commit_to_webhook"
TO_DESK, TO_PAGE = "commit_to_desk", "commit_to_page"
RELAY, WORKER = "relay", "worker"
LOGIN, TOKEN, TOKEN_FIRST = "login", "token_check", "token_check_first"
REPLICAS = {
    "replicas_gateway": second_gateway,
    "replicas_grpc": second_services,
    "replicas_worker": second_worker,
}
ANEW = "_anew"
NAMES = (
    BOOKING,
    WITH_VOUCHER,
    HOT,
    MONTH,
    MONTH + ANEW,
    SEARCH,
    SEARCH + ANEW,
    TO_QUEUE,
    TO_WEBHOOK,
    TO_DESK,
    TO_PAGE,
    RELAY,
    WORKER,
    LOGIN,
    TOKEN,
    TOKEN_FIRST,
    *REPLICAS,
)
_TARGETS = 8 * CLIENTS


@contextmanager
def suite(system: System, names: set[str], rate: float, progress: Progress) -> Iterator[list[Scenario]]:
    """The scenarios of these names, ready to be measured; what they needed is ended with the block."""
    with ExitStack() as stack:
        with progress.step("residents, vouchers, slots"):
            people = Population(system.instance, system.admin_url)
        with progress.step("copies of the databases for pgbench"):
            limits = Limits(system.admin_url, people.targets(_TARGETS))
            stack.callback(limits.close)
        with progress.step("load generator, cooperatives' systems"):
            generator = Generator()
            stack.callback(generator.close)
            bench = Bench(system, generator)
            urls = {f"coop.{slug}": system.instance.cooperative_amqp_url(slug) for slug in people.providers()}
            queues = stack.enter_context(Consumer(urls))
            webhooks = stack.enter_context(Webhooks(people.world.client, people.providers()))
            desks = stack.enter_context(Desks(people.world, people.providers()))
            watched = people.providers()[0]
            page = stack.enter_context(DeskPage(people.world, watched))
        with_voucher = people.bookings(with_voucher=True)
        found: list[Scenario] = [
            *_bookings(bench, people, with_voucher, limits),
            *_reads(bench, people, limits),
            to_queue(TO_QUEUE, bench, with_voucher, rate, queues),
            to_webhook(TO_WEBHOOK, bench, with_voucher, rate, webhooks),
            to_desk(TO_DESK, bench, with_voucher, rate, desks, lookers=desks),
            to_desk(
                TO_PAGE,
                bench,
                people.bookings(with_voucher=True, provider=watched),
                rate,
                desks,
                lookers=page,
            ),
        ]
        if names & {RELAY, WORKER}:
            with progress.step("copies for a relay and a worker alone"):
                found += _alone(bench, people, system.admin_url, stack)
        if LOGIN in names:
            with progress.step("accounts with passwords"):
                found.append(login(LOGIN, bench, people.world))
        tokens = [resident.token for resident in people.residents]
        found += token_checks(TOKEN, TOKEN_FIRST, generator, system.instance.secrets.jwks(), tokens)
        found += [Replicas(name, bench, with_voucher, double) for name, double in REPLICAS.items()]
        yield [each for each in found if each.name in names]


def _bookings(
    bench: Bench, people: Population, with_voucher: Sequence[Request], limits: Limits
) -> Iterator[Scenario]:
    yield Throughput(
        BOOKING,
        bench,
        people.bookings(with_voucher=False),
        unit="bookings/s",
        expected_status=201,
        limit=limits.booking,
        limit_is="pgbench, the same statement on a copy of catalogue's database",
    )
    yield Throughput(
        WITH_VOUCHER,
        bench,
        with_voucher,
        unit="bookings/s",
        expected_status=201,
        limit=limits.booking_with_voucher,
        limit_is="pgbench, the same three statements, one after the other, on copies of both databases",
    )
    yield Throughput(
        HOT,
        bench,
        people.hot_bookings(),
        unit="bookings/s",
        expected_status=201,
        limit=limits.booking_with_voucher,
        limit_is="pgbench, the same three statements, on slots and vouchers at random",
    )


def _reads(bench: Bench, people: Population, limits: Limits) -> Iterator[Scenario]:
    months = people.months()
    for suffix, anew in (("", False), (ANEW, True)):
        yield Throughput(
            MONTH + suffix,
            bench,
            people.month_requests(months, anew=anew),
            unit="answers/s",
            expected_status=200,
            limit=limits.months(months, *people.month),
            limit_is="pgbench, the same statements",
        )
        yield Throughput(
            SEARCH + suffix,
            bench,
            people.searches(anew=anew),
            unit="answers/s",
            expected_status=200,
            limit=limits.searches(MISSPELT),
            limit_is="pgbench, the same statements",
        )


def _alone(bench: Bench, people: Population, admin_url: str, stack: ExitStack) -> Iterator[Scenario]:
    providers = people.providers()
    apart = stack.enter_context(closing(Apart(bench.system, providers)))
    relay = RelayWork(admin_url, apart, bench.generator, cooperative=providers[0])
    stack.callback(relay.close)
    worker = WorkerWork(admin_url, apart, bench.generator)
    stack.callback(worker.close)
    yield Drain(RELAY, bench.system, relay)
    yield Drain(WORKER, bench.system, worker)


def measure(scenarios: Sequence[Scenario], *, rounds: int, seconds: float, progress: Progress) -> None:
    """Round by round, so that a disturbance of some seconds touches one round of each at most."""
    for scenario in scenarios:
        with progress.step(f"{scenario.name}: warm-up"):
            scenario.warm_up()
    for number in range(1, rounds + 1):
        for scenario in scenarios:
            with progress.step(f"{scenario.name}: round {number} of {rounds}"):
                scenario.round(seconds)
            progress.say(f"      {scenario.last()}")
