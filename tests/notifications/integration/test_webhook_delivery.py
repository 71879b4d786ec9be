"""Webhooks against real receivers that answer in every way there is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook

from services.chassis.ids import new_id
from services.chassis.refusal import InvalidField
from services.contracts.events.catalogue import BookingCancelled, BookingConfirmed
from services.contracts.events.notifications import WebhookEndpointDisabled
from services.notifications.application.purge import purge
from services.notifications.application.see_deliveries import SeeDeliveries
from services.notifications.domain.errors import EndpointDisabled
from services.notifications.persistence.deliveries import StoredDelivery
from tests.notifications.support.delivering import Webhooks, client_of
from tests.notifications.support.receiver import Receivers, Reply
from tests.notifications.support.world import OTHER_PROVIDER, Someone, World, booking

MARIA = Someone("Maria", None)
FIRST_RETRIES = (timedelta(seconds=6), timedelta(minutes=6), timedelta(minutes=36))


@pytest.fixture
def hooks(make_world: Callable[..., World]) -> Webhooks:
    world = make_world(webhook_timeout_seconds=1.0)
    world.knows(MARIA)
    return Webhooks(world)


def log(hooks: Webhooks) -> list[StoredDelivery]:
    endpoints = hooks.endpoints.list(client_of(), "cooperativa-aurora")
    see = SeeDeliveries(hooks.world.database)
    return [
        delivery
        for endpoint in endpoints
        for delivery in see.list(client_of(), endpoint.id, before=None, limit=100)[0]
    ]


def statuses(delivery: StoredDelivery) -> list[int]:
    return [attempt.status for attempt in delivery.attempts]


def test_a_webhook_is_thin_signed_and_named_after_its_event(hooks: Webhooks, receiver: Receivers) -> None:
    there = receiver()
    endpoint = hooks.register(there.url)
    event = booking(MARIA)
    event_id = hooks.world.told(event)
    assert hooks.turn() == ["delivered"]
    request = there.requests[0]
    secret = hooks.secrets[endpoint.id]
    assert Webhook(secret).verify(request.body, dict(request.headers)) == {
        "type": "ambito.catalogue.booking.confirmed.v1",
        "timestamp": "2026-11-23T10:00:00Z",
        "data": json.loads(event.to_json()),
    }
    signed = f"{event_id}.{request.headers['webhook-timestamp']}.".encode() + request.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert request.headers["webhook-signature"] == f"v1,{digest}"
    assert request.headers["webhook-id"] == str(event_id)
    assert request.headers["content-type"] == "application/json"
    assert len(request.body) < 20_000
    assert b"Maria" not in request.body


def test_the_secret_is_kept_sealed(hooks: Webhooks, receiver: Receivers) -> None:
    endpoint = hooks.register(receiver().url)
    secret = hooks.secrets[endpoint.id]
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"))) <= 64
    assert secret not in str(hooks.world.rows("SELECT * FROM webhook_endpoint"))


def test_a_failure_is_tried_again_with_the_same_id_until_it_succeeds(
    hooks: Webhooks, receiver: Receivers
) -> None:
    there = receiver(Reply(500), Reply(503), Reply(200))
    hooks.register(there.url)
    event_id = hooks.world.told(booking(MARIA))
    assert hooks.turn() == ["pending"]
    assert hooks.turn() == []
    for step, state in zip(FIRST_RETRIES, ("pending", "delivered"), strict=False):
        hooks.pass_time(step)
        assert hooks.turn() == [state]
    assert {request.headers["webhook-id"] for request in there.requests} == {str(event_id)}
    assert statuses(log(hooks)[0]) == [500, 503, 200]
    assert log(hooks)[0].next_attempt_at is None


def test_no_answer_in_time_is_a_failure(hooks: Webhooks, receiver: Receivers) -> None:
    never = threading.Event()
    hooks.register(receiver(Reply(after=never)).url)
    hooks.world.told(booking(MARIA))
    assert hooks.turn() == ["pending"]
    never.set()
    (attempt,) = log(hooks)[0].attempts
    assert attempt.status == 0
    assert "no answer within" in attempt.error


def test_a_body_that_never_ends_holds_nobody(hooks: Webhooks, receiver: Receivers) -> None:
    hooks.register(receiver(Reply(200, trickle=True)).url)
    hooks.world.told(booking(MARIA))
    assert hooks.turn() == ["delivered"]  # it comes back at all
    assert statuses(log(hooks)[0]) == [200]


def test_only_the_beginning_of_an_answer_is_read(hooks: Webhooks, receiver: Receivers) -> None:
    hooks.register(receiver(Reply(200, body=b"x" * 50_000_000)).url)
    hooks.world.told(booking(MARIA))
    assert hooks.turn() == ["delivered"]


def test_a_redirect_is_a_failure_and_is_not_followed(hooks: Webhooks, receiver: Receivers) -> None:
    elsewhere = receiver()
    there = receiver(Reply(307, {"Location": elsewhere.url}))
    hooks.register(there.url)
    hooks.world.told(booking(MARIA))
    assert hooks.turn() == ["pending"]
    assert statuses(log(hooks)[0]) == [307]
    assert elsewhere.requests == []


def test_a_web_page_is_a_success_with_a_remark(hooks: Webhooks, receiver: Receivers) -> None:
    page = Reply(200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>Welcome</html>")
    hooks.register(receiver(page).url)
    hooks.world.told(booking(MARIA))
    assert hooks.turn() == ["delivered"]
    (attempt,) = log(hooks)[0].attempts
    assert (attempt.status, "web page" in attempt.error) == (200, True)


def test_gone_disables_the_endpoint_and_its_cooperative_is_told(hooks: Webhooks, receiver: Receivers) -> None:
    there = receiver(Reply(410))
    endpoint = hooks.register(there.url)
    for _ in range(3):
        hooks.world.told(booking(MARIA))
    assert hooks.turn(limit=1) == ["failed"]
    assert hooks.turn() == []
    hooks.world.told(booking(MARIA))
    assert len(there.requests) == 1
    (after,) = hooks.endpoints.list(client_of(), endpoint.provider)
    assert (after.state.value, after.disabled_reason) == ("disabled", "gone")
    assert {delivery.state.value for delivery in log(hooks)} == {"failed"}
    (row,) = hooks.world.rows("SELECT * FROM outbox")
    assert (row.type, row.subject, row.sequence, row.public) == (
        "ambito.notifications.webhook-endpoint.disabled.v1",
        str(endpoint.id),
        1,
        True,
    )
    assert row.routing_key == "webhook-endpoint.disabled.-.cooperativa-aurora"
    told = WebhookEndpointDisabled.model_validate_json(bytes(row.data))
    assert (told.endpoint_id, told.reason) == (endpoint.id, "gone")
    with pytest.raises(EndpointDisabled):
        SeeDeliveries(hooks.world.database).redeliver(client_of(), log(hooks)[0].id)


def test_after_ten_failures_over_three_days_it_gives_up_and_disables(
    hooks: Webhooks, receiver: Receivers
) -> None:
    there = receiver(Reply(500))
    hooks.register(there.url)
    hooks.world.told(booking(MARIA))
    began = hooks.clock.now()
    states = hooks.turn()
    while states[-1] == "pending":
        due = hooks.world.scalar("SELECT next_attempt_at FROM webhook_delivery")
        hooks.pass_time(due - hooks.clock.now())
        states += hooks.turn()
    assert states == ["pending"] * 9 + ["failed"]
    assert timedelta(hours=60) < hooks.clock.now() - began < timedelta(hours=85)
    (endpoint,) = hooks.endpoints.list(client_of(), "cooperativa-aurora")
    assert (endpoint.state.value, endpoint.disabled_reason) == ("disabled", "failing")


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_for_the_whole_endpoint(
    hooks: Webhooks, receiver: Receivers, status: int
) -> None:
    there = receiver(Reply(status, {"Retry-After": "600"}), Reply(200))
    hooks.register(there.url)
    hooks.world.told(booking(MARIA))
    assert hooks.turn() == ["pending"]
    hooks.world.told(booking(MARIA))
    hooks.pass_time(timedelta(seconds=590))
    assert hooks.turn() == []
    hooks.pass_time(timedelta(seconds=11))
    assert hooks.turn() == ["delivered", "delivered"]


def test_too_much_to_do_without_saying_for_how_long_means_a_minute(
    hooks: Webhooks, receiver: Receivers
) -> None:
    hooks.register(receiver(Reply(502), Reply(200)).url)
    hooks.world.told(booking(MARIA))
    hooks.turn()
    hooks.pass_time(timedelta(seconds=50))
    assert hooks.turn() == []
    hooks.pass_time(timedelta(seconds=11))
    assert hooks.turn() == ["delivered"]


def test_a_duplicate_event_is_delivered_once(hooks: Webhooks, receiver: Receivers) -> None:
    there = receiver()
    hooks.register(there.url)
    event, event_id = booking(MARIA), new_id()
    hooks.world.told(event, event_id=event_id)
    hooks.world.change("DELETE FROM inbox")
    hooks.world.told(event, event_id=event_id)
    hooks.turn()
    assert len(there.requests) == 1


def test_each_endpoint_gets_what_it_asked_for_and_never_anothers(
    hooks: Webhooks, receiver: Receivers
) -> None:
    everything, cancelled, others = receiver(), receiver(), receiver()
    hooks.register(everything.url)
    hooks.register(cancelled.url, BookingCancelled.event_type())
    hooks.register(others.url, provider=OTHER_PROVIDER)
    hooks.world.told(booking(MARIA))
    hooks.world.told(booking(MARIA, BookingCancelled))
    hooks.turn()
    assert len(everything.requests) == 2
    assert [json.loads(request.body)["type"] for request in cancelled.requests] == [
        BookingCancelled.event_type()
    ]
    assert others.requests == []


def test_a_deleted_endpoint_is_called_no_more(hooks: Webhooks, receiver: Receivers) -> None:
    there = receiver()
    endpoint = hooks.register(there.url)
    hooks.world.told(booking(MARIA))
    hooks.endpoints.delete(client_of(), endpoint.id)
    hooks.world.told(booking(MARIA))
    assert hooks.turn() == []
    assert there.requests == []
    hooks.register(there.url)  # the URL is free again


def test_one_endpoint_never_has_more_than_its_share(hooks: Webhooks, receiver: Receivers) -> None:
    slow, quick = receiver(), receiver()
    hooks.register(slow.url)
    for _ in range(10):
        hooks.world.told(booking(MARIA))
    hooks.register(quick.url, provider=OTHER_PROVIDER)
    hooks.world.told(booking(MARIA, provider=OTHER_PROVIDER))
    claimed = hooks.deliverer.claim(100)
    assert sorted(claim.url for claim in claimed) == sorted([slow.url, slow.url, quick.url])
    assert hooks.deliverer.claim(100) == []
    hooks.deliverer.perform(next(claim for claim in claimed if claim.url == slow.url))
    assert [claim.url for claim in hooks.deliverer.claim(100)] == [slow.url]


def test_with_few_threads_free_the_least_busy_endpoint_comes_first(
    hooks: Webhooks, receiver: Receivers
) -> None:
    busy, idle = receiver(), receiver()
    hooks.register(busy.url)
    for _ in range(5):
        hooks.world.told(booking(MARIA))
    hooks.deliverer.claim(1)
    hooks.register(idle.url, provider=OTHER_PROVIDER)
    hooks.world.told(booking(MARIA, provider=OTHER_PROVIDER))
    assert [claim.url for claim in hooks.deliverer.claim(1)] == [idle.url]


def test_a_lease_that_ended_is_taken_over_and_the_first_holder_has_no_say(
    hooks: Webhooks, receiver: Receivers
) -> None:
    there = receiver(Reply(500), Reply(200))
    hooks.register(there.url)
    hooks.world.told(booking(MARIA))
    (first,) = hooks.deliverer.claim(10)
    hooks.pass_time(hooks.deliverer.lease + timedelta(seconds=1))
    (second,) = hooks.deliverer.claim(10)
    assert second.event_id == first.event_id
    hooks.deliverer.perform(first)
    assert log(hooks)[0].state.value == "pending"
    assert hooks.deliverer.perform(second) == "delivered"
    assert log(hooks)[0].state.value == "delivered"
    assert statuses(log(hooks)[0]) == [500, 200]


def test_redeliver_sends_again_with_the_same_id(hooks: Webhooks, receiver: Receivers) -> None:
    there = receiver()
    hooks.register(there.url)
    hooks.world.told(booking(MARIA))
    hooks.turn()
    delivery = SeeDeliveries(hooks.world.database).redeliver(client_of(), log(hooks)[0].id)
    assert delivery.state.value == "pending"
    assert hooks.turn() == ["delivered"]
    assert len({request.headers["webhook-id"] for request in there.requests}) == 1
    assert len(there.requests) == 2


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
def test_a_name_that_comes_to_lead_inside_is_not_followed(
    make_world: Callable[..., World], receiver: Receivers, address: str
) -> None:
    """DNS rebinding: a public address when registered, a private one when called."""
    there = receiver()
    answers = {"hook.example.org": ["93.184.215.14"]}
    world = make_world(webhook_allowed_networks="")
    world.knows(MARIA)
    hooks = Webhooks(world, names=lambda host: answers[host])
    hooks.register(f"https://hook.example.org:{there.port}/")
    answers["hook.example.org"] = ["93.184.215.14", address]  # one bad address among good ones is enough
    world.told(booking(MARIA))
    assert hooks.turn() == ["pending"]
    assert there.requests == []
    (attempt,) = log(hooks)[0].attempts
    assert (attempt.status, attempt.error) == (0, "The address leads to a private or reserved network.")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/", "https://localhost/", "https://[::1]/", "http://hook.example.org/"]
)
def test_an_endpoint_inside_or_without_tls_is_not_registered(
    make_world: Callable[..., World], url: str
) -> None:
    world = make_world(webhook_allowed_networks="")
    inside = {"127.0.0.1": ["127.0.0.1"], "localhost": ["127.0.0.1", "::1"], "::1": ["::1"]}
    hooks = Webhooks(world, names=lambda host: inside.get(host, ["93.184.215.14"]))
    with pytest.raises(InvalidField) as refused:
        hooks.register(url)
    assert refused.value.field == "url"
    assert world.rows("SELECT 1 FROM webhook_endpoint") == []


def test_the_connection_goes_to_the_checked_address_and_the_certificate_to_the_name(
    make_world: Callable[..., World], receiver: Receivers, tmp_path: Path
) -> None:
    server_side, client_side = _certified(tmp_path, "hook.example.org")
    there = receiver(tls=server_side)
    world = make_world()
    world.knows(MARIA)
    hooks = Webhooks(world, names=lambda _host: ["127.0.0.1"], tls=client_side)
    hooks.register(f"https://hook.example.org:{there.port}/in?a=b")
    hooks.register(f"https://other.example.org:{there.port}/in", provider=OTHER_PROVIDER)
    world.told(booking(MARIA))
    assert hooks.turn() == ["delivered"]
    (request,) = there.requests
    assert (request.path, request.headers["host"]) == ("/in?a=b", f"hook.example.org:{there.port}")
    world.told(booking(MARIA, provider=OTHER_PROVIDER))
    assert hooks.turn() == ["pending"]
    assert len(there.requests) == 1
    assert "certificate" in world.scalar("SELECT error FROM webhook_attempt WHERE status = 0").lower()


def test_a_receiver_that_is_not_there_is_a_failure(hooks: Webhooks, receiver: Receivers) -> None:
    there = receiver()
    hooks.register(there.url)
    there.close()
    hooks.world.told(booking(MARIA))
    assert hooks.turn() == ["pending"]
    assert statuses(log(hooks)[0]) == [0]


def test_the_log_and_its_deliveries_are_removed_after_their_time(
    hooks: Webhooks, receiver: Receivers
) -> None:
    hooks.register(receiver().url)
    hooks.world.told(booking(MARIA))
    hooks.turn()
    hooks.world.told(booking(MARIA))  # still pending
    hooks.pass_time(timedelta(days=31))
    purge(hooks.world.database, hooks.clock, hooks.world.settings)
    assert [delivery.state.value for delivery in log(hooks)] == ["pending"]
    assert hooks.world.scalar("SELECT count(*) FROM webhook_attempt") == 0
    assert BookingConfirmed.event_type() == log(hooks)[0].event_type


def _certified(directory: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS for a server called `name`, and for a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain = directory / "server.pem"
    chain.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(chain)
    client_side = ssl.create_default_context(cadata=certificate.public_bytes(Encoding.PEM).decode())
    return server_side, client_side
