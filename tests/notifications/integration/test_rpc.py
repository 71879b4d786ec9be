"""What the methods answer, and how they refuse what cannot be right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.chassis.caller import Caller
from services.chassis.ids import new_id
from services.chassis.rpc.status import RemoteRefusal
from services.contracts.events.catalogue import BookingCancelled, BookingConfirmed
from services.contracts.events.identity import DelegationRevoked
from services.contracts.generated.ambito.notifications.v1 import notifications_pb2 as pb
from tests.notifications.support.api import Api, serving
from tests.notifications.support.delivering import Webhooks
from tests.notifications.support.receiver import Receivers, Reply
from tests.notifications.support.world import PROVIDER, Someone, World, booking

MARIA = Someone("Maria", "maria@example.org")
EMMA = Someone("Emma", "emma@example.org", language="en")
ID = str(new_id())


@pytest.fixture
def api(world: World, tmp_path: Path) -> Iterator[Api]:
    world.knows(MARIA, EMMA)
    with serving(world, tmp_path) as started:
        yield started


def cooperative(api: Api) -> Caller:
    return api.who(f"provider_client:{PROVIDER}", subject="client-1")


def inbox(api: Api, someone: Someone, **more: Any) -> Any:
    request = pb.ListMessagesRequest(person_id=str(someone.person_id), **more)
    return api("ListMessages", request, api.who("citizen:*", person=someone.person_id))


def test_the_inbox_names_the_cooperative_once_it_is_known(world: World, api: Api) -> None:
    event_id = world.told(booking(MARIA))
    (message,) = inbox(api, MARIA).items
    assert message.body == (
        "È confermato un appuntamento con una cooperativa, martedì 1º dicembre 2026, dalle 09:00 alle 10:00. "
        "I dettagli sono sul portale, tra gli appuntamenti."
    )
    world.knows_the_cooperative()
    (message,) = inbox(api, MARIA).items
    assert (message.subject, message.event_id, message.read) == (
        "Aggiornamento su un appuntamento",
        str(event_id),
        False,
    )
    assert "un appuntamento con Cooperativa Aurora, martedì" in message.body
    (message,) = inbox(api, MARIA, language="en").items
    assert message.subject == "Update on an appointment"
    assert message.body == (
        "An appointment with Cooperativa Aurora is confirmed: Tuesday 1 December 2026, from 09:00 to 10:00. "
        "The details are on the portal, among the appointments."
    )


def test_a_delegate_reads_for_whom_it_is_as_long_as_she_acts(world: World, api: Api) -> None:
    delegation = world.delegates(MARIA, EMMA, "read")
    world.told(booking(MARIA, BookingCancelled, cancelled_by="provider"))
    (message,) = inbox(api, EMMA).items
    assert message.body.startswith(
        "For Maria. An appointment with a cooperative was cancelled by the cooperative: Tuesday"
    )
    ended = DelegationRevoked(
        delegation_id=delegation, principal_id=MARIA.person_id, delegate_id=EMMA.person_id, comune="L319"
    )
    world.told(ended, subject=str(delegation), sequence=2)
    assert list(inbox(api, EMMA).items) == []
    assert len(inbox(api, MARIA).items) == 1


def test_marking_as_read_is_remembered(world: World, api: Api) -> None:
    world.told(booking(MARIA))
    (message,) = inbox(api, MARIA).items
    herself = api.who("citizen:*", person=MARIA.person_id)
    for _ in range(2):
        answer = api("MarkRead", pb.MarkReadRequest(message_id=message.id), herself)
        assert (answer.message.id, answer.message.read) == (message.id, True)
    assert inbox(api, MARIA).items[0].read


def test_the_inbox_comes_in_pages_newest_first(world: World, api: Api) -> None:
    told = [str(world.told(booking(MARIA))) for _ in range(5)]
    seen, cursor = [], ""
    while True:
        page = inbox(api, MARIA, limit=2, cursor=cursor)
        seen += [message.event_id for message in page.items]
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == told[::-1]


def test_creating_an_endpoint_twice_with_one_key_makes_one(world: World, api: Api) -> None:
    request = pb.CreateEndpointRequest(provider=PROVIDER, url="http://127.0.0.1:18080/")
    first = api("CreateEndpoint", request, cooperative(api), key="k-1")
    again = api("CreateEndpoint", request, cooperative(api), key="k-1")
    assert first == again
    assert first.secret.startswith("whsec_")
    assert first.secret not in str(world.rows("SELECT convert_from(response, 'UTF8') FROM idempotency"))
    listed = api("ListEndpoints", pb.ListEndpointsRequest(provider=PROVIDER), cooperative(api))
    assert list(listed.items) == [first.endpoint]
    other = pb.CreateEndpointRequest(provider=PROVIDER, url="http://127.0.0.1:18081/")
    with pytest.raises(RemoteRefusal) as refused:
        api("CreateEndpoint", other, cooperative(api), key="k-1")
    assert refused.value.type == "idempotency-key-reused"


def test_the_same_url_twice_and_too_many_are_refused(api: Api) -> None:
    def create(port: int) -> Any:
        request = pb.CreateEndpointRequest(provider=PROVIDER, url=f"http://127.0.0.1:{port}/")
        return api("CreateEndpoint", request, cooperative(api))

    create(18_000)
    with pytest.raises(RemoteRefusal) as refused:
        create(18_000)
    assert refused.value.type == "webhook-endpoint-exists"
    for port in range(18_001, 18_010):
        create(port)
    with pytest.raises(RemoteRefusal) as refused:
        create(18_010)
    assert refused.value.type == "too-many-webhook-endpoints"


def test_the_log_shows_every_attempt_newest_first(world: World, api: Api, receiver: Receivers) -> None:
    hooks = Webhooks(world)
    endpoint = hooks.register(receiver(Reply(500), Reply(204)).url)
    event_id = world.told(booking(MARIA))
    hooks.turn()
    request = pb.ListDeliveriesRequest(endpoint_id=str(endpoint.id))
    (delivery,) = api("ListDeliveries", request, cooperative(api)).items
    assert (delivery.event_id, delivery.event_type, delivery.state) == (
        str(event_id),
        BookingConfirmed.event_type(),
        "pending",
    )
    assert delivery.HasField("next_attempt_at")
    again = api("Redeliver", pb.RedeliverRequest(delivery_id=delivery.id), cooperative(api))
    assert again.delivery.state == "pending"
    hooks.turn()
    (delivery,) = api("ListDeliveries", request, cooperative(api)).items
    assert delivery.state == "delivered"
    assert [attempt.status for attempt in delivery.attempts] == [204, 500]
    assert not delivery.HasField("next_attempt_at")


def test_the_feed_over_the_wire(world: World, api: Api) -> None:
    first, second = (str(world.told(booking(MARIA))) for _ in range(2))
    page = api("ReadFeed", pb.ReadFeedRequest(provider=PROVIDER, limit=1), cooperative(api))
    assert ([event.id for event in page.items], page.more) == ([first], True)
    page = api("ReadFeed", pb.ReadFeedRequest(provider=PROVIDER, after=page.next_cursor), cooperative(api))
    assert ([event.id for event in page.items], page.more) == ([second], False)
    assert page.items[0].cursor == page.next_cursor
    assert page.items[0].time.ToJsonString() == "2026-11-23T10:00:00Z"


@pytest.mark.parametrize(
    ("method", "bad", "field"),
    [
        ("ListMessages", pb.ListMessagesRequest(person_id="x"), "person_id"),
        ("ListMessages", pb.ListMessagesRequest(person_id=ID, limit=101), "limit"),
        ("ListMessages", pb.ListMessagesRequest(person_id=ID, limit=-1), "limit"),
        ("ListMessages", pb.ListMessagesRequest(person_id=ID, cursor="x"), "cursor"),
        ("ListMessages", pb.ListMessagesRequest(person_id=ID, language="de"), "language"),
        ("MarkRead", pb.MarkReadRequest(message_id=""), "message_id"),
        ("CreateEndpoint", pb.CreateEndpointRequest(provider="A b", url="https://a.example"), "provider"),
        ("CreateEndpoint", pb.CreateEndpointRequest(provider=PROVIDER, url=""), "url"),
        ("CreateEndpoint", pb.CreateEndpointRequest(provider=PROVIDER, url="ftp://a.example"), "url"),
        ("CreateEndpoint", pb.CreateEndpointRequest(provider=PROVIDER, url="https://[x"), "url"),
        (
            "CreateEndpoint",
            pb.CreateEndpointRequest(
                provider=PROVIDER,
                url="http://127.0.0.1:18080/",
                event_types=["ambito.vouchers.voucher.issued.v1"],
            ),
            "event_types",
        ),
        ("ListEndpoints", pb.ListEndpointsRequest(provider=""), "provider"),
        ("DeleteEndpoint", pb.DeleteEndpointRequest(endpoint_id="1"), "endpoint_id"),
        ("ListDeliveries", pb.ListDeliveriesRequest(endpoint_id=ID, limit=1000), "limit"),
        ("Redeliver", pb.RedeliverRequest(delivery_id="1"), "delivery_id"),
        ("ReadFeed", pb.ReadFeedRequest(provider=PROVIDER, limit=501), "limit"),
        ("ReadFeed", pb.ReadFeedRequest(provider=PROVIDER, after="; DROP"), "after"),
    ],
)
def test_what_cannot_be_right_is_refused_by_field(api: Api, method: str, bad: Any, field: str) -> None:
    with pytest.raises(RemoteRefusal) as refused:
        api(method, bad, cooperative(api))
    assert (refused.value.kind.value, refused.value.field) == ("invalid", field)
    assert refused.value.it
    assert refused.value.it != refused.value.en
