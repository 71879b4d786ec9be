"""The system as those see it who watch it: one trace, figures of everything, alarms that ring.

Prometheus is the real one; the collector is one that keeps what it gets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from deploy.demo import cast
from deploy.observability.dashboards import DASHBOARDS
from tests.deploy.containers import damage
from tests.deploy.containers.people import PROVIDER, reader
from tests.deploy.containers.test_confinement import RPC, reached
from tests.support.containers import addresses, logged, output, rabbitmqctl, service_of
from tests.support.freezing import frozen
from tests.support.polling import eventually
from tests.support.stack import PROCESSES, Stack
from tests.support.watched import RULES, WATCHING, Watched, wait_until_all_answer, watched

pytestmark = pytest.mark.long

BOOK = "POST /bookings"
ON_THE_WAY = {
    "gateway-http", "catalogue-grpc", "vouchers-grpc", "catalogue-relay", "notifications-worker",
    "notifications-deliver",
}  # fmt: skip
PERSONAL = re.compile(
    rf"\b({'|'.join((*cast._FAMILY_NAMES, *cast._MOTHERS, *cast._DAUGHTERS))})\b"
    r"|Via delle Vigne|figlia-[0-9a-f]{12}|[\w.-]+@example\.(it|org|com)"
    r"|\b[A-Z]{6}\d\d[A-EHLMPR-T]\d\d[A-Z]\d{3}[A-Z]\b|(\+39|\b0039) ?\d{6,}"
)
RARE = re.compile(r"errors|failing|Alerts|disabled")
"""Legends of lines that are empty when all is well."""
CAUSED: set[str] = set()


@pytest.fixture(scope="module")
def site(stack: Stack) -> Iterator[Watched]:
    with watched(stack) as watching:
        wait_until_all_answer(watching)
        assert "All 16 steps as expected" in stack.compose("run", "--rm", "demo")
        yield watching


@pytest.fixture(scope="module")
def spans(site: Watched) -> list[dict[str, Any]]:
    """Of the demo, once all of its booking have come: each process sends its own, whenever it likes."""

    def whole() -> list[dict[str, Any]]:
        found = site.spans()
        booked = {each["trace"] for each in found if each["name"] == BOOK}
        delivered = {each["trace"] for each in found if each["name"] == "POST"} & booked
        trace = [each for each in found if each["trace"] in delivered]
        assert {each["service"] for each in trace} >= ON_THE_WAY, len(found)
        assert {each["parent"] for each in trace if each["name"] != BOOK} <= {each["id"] for each in trace}
        return found

    return eventually(whole, timeout_seconds=30)


def test_a_booking_is_one_trace_from_the_gateway_to_the_webhook(spans: list[dict[str, Any]]) -> None:
    by_id = {each["id"]: each for each in spans}
    delivery = next(
        each for each in spans if each["name"] == "POST" and each["service"] == "notifications-deliver"
        and each["trace"] in {booked["trace"] for booked in spans if booked["name"] == BOOK}
    )  # fmt: skip
    way = [delivery]
    while way[-1]["parent"] in by_id:
        way.append(by_id[way[-1]["parent"]])
    assert [(each["service"], each["name"], each["kind"]) for each in reversed(way)] == [
        ("gateway-http", BOOK, "SERVER"),
        ("gateway-http", "ambito.catalogue.v1.BookingService/BookSlot", "CLIENT"),
        ("catalogue-grpc", "ambito.catalogue.v1.BookingService/BookSlot", "SERVER"),
        ("catalogue-relay", "publish ambito.catalogue.public", "PRODUCER"),
        ("notifications-worker", "process notifications.events", "CONSUMER"),
        ("notifications-deliver", "POST", "CLIENT"),
    ]
    trace = [each for each in spans if each["trace"] == delivery["trace"]]
    (held,) = (each for each in trace if each["name"].endswith("/Hold") and each["kind"] == "SERVER")
    asked = by_id[held["parent"]]
    assert (held["service"], asked["service"], asked["kind"]) == ("vouchers-grpc", "catalogue-grpc", "CLIENT")
    assert asked["parent"] == way[-3]["id"]
    used = {each["service"] for each in trace if each["attributes"].get("db.system.name") == "postgresql"}
    assert {"catalogue-grpc", "vouchers-grpc"} <= used
    assert delivery["attributes"]["http.response.status_code"] == 204
    assert not [each["name"] for each in trace if each["failed"]]


def test_spans_tell_of_nobody(spans: list[dict[str, Any]]) -> None:
    assert PERSONAL.search(json.dumps(spans)) is None
    allowed = {
        "http.request.method", "url.scheme", "http.route", "http.response.status_code", "error.type",
        "http.request.resend_count", "rpc.system.name", "rpc.method", "rpc.response.status_code",
        "db.system.name", "db.namespace", "db.operation.name", "messaging.system", "messaging.operation.name",
        "messaging.operation.type", "messaging.destination.name", "messaging.message.id",
        "cloudevents.event_type",
    }  # fmt: skip
    assert {name for each in spans for name in each["attributes"]} <= allowed
    assert {(each["events"], each["status"]) for each in spans} == {(0, "")}


def test_logs_tell_of_nobody_and_carry_the_trace(site: Watched, spans: list[dict[str, Any]]) -> None:
    trace = next(each["trace"] for each in spans if each["name"] == BOOK)
    told = set()
    for container in site.stack.containers():
        if service_of(container) == "mail":  # stands for the world outside
            continue
        text = "\n".join(logged(container))
        found = PERSONAL.search(text)
        assert found is None, f"{container.name}: {text[max(0, found.start() - 300) : found.end() + 50]}"
        if f'"trace_id": "{trace}"' in text:
            told.add(service_of(container))
    assert {"gateway", "catalogue-grpc", "vouchers-grpc", "notifications-deliver"} <= told


def test_every_diagram_shows_something(site: Watched) -> None:
    def none_is_empty() -> bool:  # a rate is one when the second figure has come
        empty = [
            f"{dashboard.title}, {panel.title}: {asked}"
            for dashboard in DASHBOARDS
            for panel in dashboard.panels
            for expression, legend in panel.lines
            if not site.query(asked := expression.replace("$__rate_interval", "5m"))
            and not RARE.search(f"{legend} {panel.title}")
        ]
        assert empty == []
        return True

    eventually(none_is_empty, timeout_seconds=60)


def test_labels_have_few_values(site: Watched) -> None:
    """A label that takes what comes from outside would fill Prometheus in the end."""
    most = site.query('max by (service) (scrape_samples_scraped{job="processes"})')
    assert {
        found["metric"]["service"]: found["value"][1] for found in most if float(found["value"][1]) > 2500
    } == {}
    ours = site.query('count by (__name__) ({job="processes"})')
    assert len(ours) < 300
    for label in ("person", "booking", "voucher", "url", "id", "subject", "user", "client", "path"):
        assert site.query(f'count({{job="processes",{label}!=""}})') == [], label


def test_watching_opens_no_way_between_zones(site: Watched) -> None:
    """Prometheus and the collector are in their zones; processes reach what they reached before."""
    ports = {**dict.fromkeys(RPC, (50051,)), "postgres": (5432,), "rabbitmq": (5672, 15672), "mail": (25,)}
    named = {
        f"{address}:{port}": f"{service}:{port}"
        for service, numbers in ports.items()
        for address in addresses(site.stack.container(service))
        for port in numbers
    }

    def found(process: str) -> set[str]:
        answers = site.stack.python(site.stack.container(process), "connections", *named)
        return {named[target] for target in answers}

    with ThreadPoolExecutor(4) as pool:
        answers = dict(
            zip((*PROCESSES, *WATCHING[1:]), pool.map(found, (*PROCESSES, *WATCHING[1:])), strict=True)
        )
    assert {process: answers[process] for process in PROCESSES} == {
        process: reached(process) for process in PROCESSES
    }
    # Two that hold secrets: one that asks the servers, and one that reads backups and can take them nowhere.
    assert answers["watch"] == {"postgres:5432", "rabbitmq:5672", "rabbitmq:15672"}
    assert answers["watch-backups"] == set()


def do(site: Watched, database: str, script: str, *, in_background: bool = False) -> None:
    damage.do(site.stack.container("postgres"), database, script, in_background=in_background)


def rings(site: Watched, alert: str, *, seconds: float = 30, **labels: str) -> None:
    """The condition of the alert comes to hold, for these labels if any are given."""
    CAUSED.add(alert)

    def holds() -> bool:
        found = site.fires(alert)
        assert any(labels.items() <= each.items() for each in found), f"{alert}: {found}"
        return True

    eventually(holds, timeout_seconds=seconds)


def rings_with(site: Watched, alert: str, instead: dict[str, str], *, seconds: float = 30) -> None:
    """The same with another limit."""
    CAUSED.add(alert)
    eventually(lambda: site.fires(alert, instead=instead), timeout_seconds=seconds)


def falls_silent(site: Watched, *alerts: str, seconds: float = 60) -> None:
    def silent() -> bool:
        assert {alert: found for alert in alerts if (found := site.fires(alert))} == {}
        return True

    eventually(silent, timeout_seconds=seconds)


def test_when_all_is_well_only_the_missing_backup_is_told(site: Watched) -> None:
    def quiet() -> bool:
        ringing = {alert for alert in RULES if site.fires(alert)}
        assert ringing - {"ProcessRestarting"} == {"NoBackup"}, ringing
        return True

    eventually(quiet, timeout_seconds=60)
    CAUSED.add("NoBackup")
    (site.stack.directory / "backups" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}").mkdir()
    falls_silent(site, "NoBackup")


def test_limits_that_take_long_to_reach_are_compared_with_what_is_there(site: Watched) -> None:
    rings_with(site, "GatewaySlow", {"> 1": "> 0.0001"})
    rings_with(site, "PostgresConnections", {"> 0.8": "> 0.001"})
    rings_with(site, "BrokerDiskLow", {"< 3": "< 1e12"})
    rings_with(site, "CooperativeQueueNearlyFull", {"> 80000": ">= 0"})
    rings_with(site, "LedgerUnverified", {"> 2 * 86400": "> -1"})


def test_money_and_seats_that_do_not_add_up_are_told(site: Watched) -> None:
    do(site, "vouchers", damage.WRONG_BUDGETS)
    do(site, "vouchers", damage.WRONG_LEDGER)
    do(site, "catalogue", damage.WRONG_SEATS)
    try:
        rings(site, "LedgerBroken")
        rings(site, "BudgetNearlyUsedUp")
        rings(site, "FiguresDiffer", __name__="ledger_differences")
        rings(site, "FiguresDiffer", __name__="seat_differences")
    finally:
        do(site, "vouchers", damage.RIGHT_LEDGER)
        do(site, "vouchers", damage.RIGHT_BUDGETS)
        do(site, "catalogue", damage.RIGHT_SEATS)
    falls_silent(site, "LedgerBroken", "BudgetNearlyUsedUp", "FiguresDiffer")


def test_what_is_sent_too_late_or_to_nobody_is_told(site: Watched) -> None:
    alerts = ("WebhookEndpointDisabled", "WebhooksFailing", "WebhooksOverdue", "EmailsOverdue")
    do(site, "notifications", damage.STUCK_DELIVERIES)
    try:
        for alert in alerts:
            rings(site, alert)
    finally:
        do(site, "notifications", damage.FREE_DELIVERIES)
    falls_silent(site, *alerts)


def test_a_cooperative_that_reads_its_queue_no_more_is_told(site: Watched) -> None:
    alert, queue = "CooperativeReadsNoMore", f"coop.{PROVIDER}"
    CAUSED.add(alert)

    def told() -> bool:
        return queue in {each["queue"] for each in site.fires(alert, instead={"> 0.25": "> 0"})}

    with closing(reader(site.stack, site.stack.brokers[:1])):
        eventually(lambda: site.query(f'rabbitmq_detailed_queue_consumers{{queue="{queue}"}} > 0'))
        assert not told()
    eventually(told)


def test_a_seat_that_is_held_too_long_is_told(site: Watched) -> None:
    do(site, "catalogue", damage.KEEP_FROM_THE_SWEEPER, in_background=True)
    try:
        rings(site, "HeldBookingsOverdue")
    finally:
        do(site, "catalogue", damage.LET_THE_SWEEPER)
    falls_silent(site, "HeldBookingsOverdue")


def test_processes_that_are_gone_and_what_they_leave_lying_is_told(site: Watched) -> None:
    stack = site.stack
    stack.compose("stop", "vouchers-worker", "catalogue-relay", "collector")
    stack.python(stack.container("vouchers-relay"), "unreadable")
    rings(site, "ProcessDown", service="vouchers-worker")
    rings(site, "ProcessDown", service="catalogue-relay")
    rings(site, "NoActiveRelay", service="catalogue-relay")
    rings(site, "QueueWithoutConsumer", queue="vouchers.events")
    rings_with(site, "QueueGrowing", {"> 1000": "> 0"})
    httpx.get(f"{stack.api}/comuni", timeout=10)
    rings(site, "SpansDropped", service="gateway")
    stack.compose("up", "--detach", "--wait", "--no-deps", "vouchers-worker", "catalogue-relay", "collector")
    rings(site, "DeadLetters", queue="vouchers.events.dead")
    discard = ["python", "-m", "services.vouchers", "dlq", "discard", "--all"]
    output(stack.container("vouchers-worker"), discard)
    stack.kill(stack.container("vouchers-worker"))
    rings_with(site, "ProcessRestarting", {"> 2": "> 0"})
    stack.wait_healthy("vouchers-worker")
    falls_silent(site, "ProcessDown", "NoActiveRelay", "QueueWithoutConsumer", "DeadLetters")


def test_servers_that_do_not_answer_are_told_and_what_follows(site: Watched) -> None:
    stack = site.stack
    CAUSED.add("GatewayErrors")

    def failing_is_told() -> list[dict[str, str]]:
        """A first error makes a new series; only the second makes it grow."""
        answer = httpx.get(f"{stack.api}/services", params={"q": "frozen"}, timeout=20)
        assert answer.status_code == 503
        return site.fires("GatewayErrors", instead={"> 0.02": "> 0.0001"})

    with frozen(stack.container("catalogue-grpc")):
        eventually(failing_is_told, timeout_seconds=60)
    with frozen(stack.container("postgres")):
        rings(site, "PostgresDown")
    falls_silent(site, "PostgresDown")
    with frozen(stack.container("rabbitmq")):
        do(site, "identity", damage.PUBLISH_AGAIN)
        rings(site, "BrokerDown")
        rings_with(site, "OutboxOld", {"> 60": "> 1"})
    falls_silent(site, "BrokerDown", "OutboxOld")
    broker = stack.container("rabbitmq")
    watermark = ("set_vm_memory_high_watermark", "absolute")
    rabbitmqctl(broker, *watermark, "1MB")
    try:
        rings(site, "BrokerAlarm")
        do(site, "identity", damage.PUBLISH_AGAIN)  # which the broker does not take now
        rings_with(site, "OutboxOld", {"> 60": "> 6"})
    finally:
        rabbitmqctl(broker, *watermark, "600MB")
    falls_silent(site, "BrokerAlarm")
    eventually(lambda: not site.fires("OutboxOld", instead={"> 60": "> 6"}), timeout_seconds=60)


NOT_HERE = {
    "CertificateExpires": "tests/deploy/test_watch.py",
    "JobFailing": "tests/deploy/containers/test_alert_rules.py",
    "BookingsLapsing": "tests/deploy/containers/test_alert_rules.py",
}


def test_every_alert_was_caused(site: Watched) -> None:
    """But for those whose cause needs hours, or what this installation has not; they are caused elsewhere."""
    assert set(RULES) - CAUSED == set(NOT_HERE)
