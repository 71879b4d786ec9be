"""What others may reach: HTTPS and AMQPS, by any number of gateways, and nothing without TLS.

The last module of the shared installation, which stays as it is made here.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator
from html import unescape

import httpx
import pika
import pika.exceptions
import pytest
from httpx_sse import connect_sse

from deploy.broker.topology import cooperative_queue, cooperative_user
from deploy.local.servers import VHOST
from services.contracts.territory import read_territory
from tests.deploy.containers.people import PROVIDER, ContainerWorld
from tests.support.polling import eventually
from tests.support.stack import ROOT, Stack

NAME = "localhost"


@pytest.fixture(scope="module")
def secured(stack: Stack) -> Iterator[Stack]:
    if not (stack.secrets / "tls.crt").exists():
        stack.compose("run", "--rm", "secrets", "certificate", NAME)
    with stack.with_files("deploy/compose.tls.yaml"):
        stack.compose("up", "--detach", "--wait")
        yield stack


@pytest.fixture
def trust(secured: Stack) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(secured.secrets / "tls.crt"))


@pytest.fixture
def client(secured: Stack, trust: ssl.SSLContext) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"https://{NAME}:{secured.https}/api/v1", verify=trust, timeout=20, trust_env=False
    ) as each:
        yield each


def test_https_answers_with_the_certificate_and_http_only_leads_there(
    secured: Stack, client: httpx.Client
) -> None:
    answer = client.get("/services", params={"q": "assistenza"})
    assert answer.status_code == 200
    assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000; includeSubDomains"]
    plain = httpx.post(f"{secured.api}/bookings", json={})
    assert (plain.status_code, plain.headers["location"]) == (308, "https://127.0.0.1/api/v1/bookings")


def test_http2_is_offered(secured: Stack, trust: ssl.SSLContext) -> None:
    trust.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection((NAME, secured.https), timeout=10) as raw,
        trust.wrap_socket(raw, server_hostname=NAME) as connection,
    ):
        assert connection.selected_alpn_protocol() == "h2"


@pytest.mark.parametrize("port", ["https", "amqps"])
def test_old_versions_of_tls_are_refused(secured: Stack, trust: ssl.SSLContext, port: str) -> None:
    trust.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        trust.minimum_version = trust.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection((NAME, getattr(secured, port)), timeout=10) as raw,
        pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"),
    ):
        trust.wrap_socket(raw, server_hostname=NAME)


def test_nothing_is_published_without_tls(secured: Stack) -> None:
    published = {
        service: sorted(inner for inner, outer in secured.container(service).ports.items() if outer)
        for service in ("gateway", "rabbitmq", "postgres", "proxy")
    }
    assert published == {
        "gateway": [],
        "rabbitmq": ["5671/tcp"],
        "postgres": [],
        "proxy": ["8080/tcp", "8443/tcp"],
    }  # 8080 has no other answer than the way to 8443
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        pika.BlockingConnection(
            pika.ConnectionParameters(NAME, secured.amqps, socket_timeout=5, blocked_connection_timeout=5)
        )


def test_a_cooperative_reads_its_queue_by_amqps(secured: Stack, trust: ssl.SSLContext) -> None:
    slug = read_territory(ROOT / "deploy/data/tradate").providers[0].slug
    user = cooperative_user(slug)
    password = (secured.secrets / f"broker-{user}").read_text().strip()
    connection = pika.BlockingConnection(
        pika.ConnectionParameters(
            NAME,
            secured.amqps,
            VHOST,
            pika.PlainCredentials(user, password),
            ssl_options=pika.SSLOptions(trust, NAME),
            socket_timeout=10,
        )
    )
    try:
        assert connection.channel().queue_declare(cooperative_queue(slug).name, passive=True).method.queue
    finally:
        connection.close()


def test_what_is_new_comes_through_the_proxy_at_once(secured: Stack) -> None:
    """Held back until there is enough of it, as nginx does with other answers, it would not come at all."""
    world = ContainerWorld(f"https://{NAME}:{secured.https}", secured.secrets)
    try:
        citizen, slot = world.citizen(), world.slots(PROVIDER, days=25)[0]
        portal = world.client(PROVIDER)
        with connect_sse(portal.http, "GET", "/api/v1/events/live", timeout=30) as source:
            assert source.response.headers["content-type"].startswith("text/event-stream")
            messages = source.iter_sse()
            assert next(messages).id
            booked = citizen.session.ok(world.book(citizen, slot["id"]))
            assert json.loads(next(messages).data)["subject"] == booked["id"]
    finally:
        world.close()


def test_a_desk_is_signed_in_to_and_looks_live_through_the_proxy(
    secured: Stack, trust: ssl.SSLContext
) -> None:
    here = f"https://{NAME}:{secured.https}"
    world = ContainerWorld(here, secured.secrets)
    login = f"coop.{PROVIDER}"
    form = {"username": login, "password": world.passwords[login]}
    world.close()
    with httpx.Client(base_url=here, verify=trust, timeout=20, trust_env=False) as browser:
        refused = browser.post("/portal/sign-in", data=form, headers={"Origin": "https://portale.example.it"})
        assert refused.status_code == 403
        desk = browser.post("/portal/sign-in", data=form, headers={"Origin": here}, follow_redirects=True)
        assert desk.url.path == f"/portal/cooperatives/{PROVIDER}/bookings"
        assert desk.status_code == 200
        live = re.findall(r'sse-connect="([^"]+)"', desk.text)
        with connect_sse(browser, "GET", unescape(live[0])) as source:
            assert next(source.iter_sse()).id


def test_nobody_can_say_that_he_is_somebody_else(client: httpx.Client) -> None:
    """Calls are counted by address: whoever could choose his would have no limit."""
    answers = [
        client.get("/comuni", headers={"X-Forwarded-For": f"192.0.2.{number}"}).headers for number in range(6)
    ]
    counted = [int(each["x-ratelimit-limit"]) - int(each["x-ratelimit-remaining"]) for each in answers]
    assert max(counted) >= 3, "at the worst, a new minute begins in between"


def test_a_gateway_that_dies_is_not_noticed_by_those_who_read(secured: Stack, client: httpx.Client) -> None:
    secured.scale("gateway", 2)
    first, second = secured.containers("gateway")

    def handled(container: object) -> int:
        return secured.python(container, "metric", "gateway_requests_total")  # type: ignore[arg-type, no-any-return]

    at_first = {each: handled(each) for each in (first, second)}

    def both_work() -> bool:
        assert client.get("/comuni").status_code == 200
        return all(handled(each) >= before + 5 for each, before in at_first.items())

    eventually(both_work, timeout_seconds=60)
    restarts = first.attrs["RestartCount"]
    secured.kill(first)
    statuses = set()

    def back() -> bool:
        statuses.add(client.get("/comuni").status_code)
        first.reload()
        return bool(
            first.attrs["RestartCount"] > restarts and first.attrs["State"]["Health"]["Status"] == "healthy"
        )

    eventually(back, timeout_seconds=60)
    assert statuses == {200}
    secured.scale("gateway", 1)


def test_when_no_gateway_is_there_the_answer_says_so_in_the_gateways_form(
    secured: Stack, client: httpx.Client
) -> None:
    secured.compose("stop", "gateway")
    try:
        answer = client.get("/comuni")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) >= 1
        assert json.loads(answer.content)["type"] == "urn:ambito:problem:unavailable"
    finally:
        secured.compose("up", "--detach", "--wait", "--no-recreate", "gateway")
    eventually(lambda: client.get("/comuni").status_code == 200, timeout_seconds=30)


def test_a_certificate_that_is_there_is_left_alone(secured: Stack) -> None:
    before = (secured.secrets / "tls.crt").read_bytes()
    with pytest.raises(AssertionError, match=r"tls\.crt exists"):
        secured.compose("run", "--rm", "secrets", "certificate", "other.example.it")
    assert (secured.secrets / "tls.crt").read_bytes() == before
