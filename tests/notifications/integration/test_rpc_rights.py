"""Every method, every role, own and other's: who may, and what the others are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.rpc.status import RemoteRefusal
from services.contracts.access import ROLES
from services.contracts.generated.ambito.notifications.v1 import notifications_pb2 as pb
from services.contracts.generated.ambito.notifications.v1.notifications_pb2 import DESCRIPTOR
from tests.notifications.support.api import Api, serving
from tests.notifications.support.delivering import Webhooks
from tests.notifications.support.world import OTHER_PROVIDER, PROVIDER, Someone, World, booking

MARIA = Someone("Maria", None)
GIULIA = Someone("Giulia", None)
URL = "http://127.0.0.1:18080/hook"
SCOPES = {
    "citizen": "*",
    "social_point_operator": "venegono-inferiore",
    "social_worker": "L319",
    "comune_officer": "L319",
    "plan_office": "tradate",
    "provider_staff": PROVIDER,
    "provider_client": PROVIDER,
}


@dataclass(frozen=True)
class Stage:
    """A running API, and something that each method can be asked about."""

    api: Api
    message_id: UUID
    endpoint_id: UUID
    delivery_id: UUID

    def request(self, method: str) -> Any:
        return {
            "ListMessages": pb.ListMessagesRequest(person_id=str(MARIA.person_id)),
            "MarkRead": pb.MarkReadRequest(message_id=str(self.message_id)),
            "CreateEndpoint": pb.CreateEndpointRequest(provider=PROVIDER, url=URL),
            "ListEndpoints": pb.ListEndpointsRequest(provider=PROVIDER),
            "DeleteEndpoint": pb.DeleteEndpointRequest(endpoint_id=str(self.endpoint_id)),
            "ListDeliveries": pb.ListDeliveriesRequest(endpoint_id=str(self.endpoint_id)),
            "Redeliver": pb.RedeliverRequest(delivery_id=str(self.delivery_id)),
            "ReadFeed": pb.ReadFeedRequest(provider=PROVIDER),
        }[method]

    def callers(self) -> dict[str, Caller]:
        who = self.api.who
        maria = MARIA.person_id
        return {
            "nobody": ANONYMOUS,
            "herself": who("citizen:*", person=maria),
            "another citizen": who("citizen:*", person=GIULIA.person_id),
            "delegate who may read": who("citizen:*", person=GIULIA.person_id, acting_for={maria: ["read"]}),
            "delegate who may book": who("citizen:*", person=GIULIA.person_id, acting_for={maria: ["book"]}),
            "operator assisting her": who(
                "social_point_operator:venegono-inferiore", acting_for={maria: ["read", "book"]}
            ),
            "other cooperative's staff": who(f"provider_staff:{OTHER_PROVIDER}"),
            "other cooperative's client": who(f"provider_client:{OTHER_PROVIDER}"),
            **{role: who(f"{role}:{scope}") for role, scope in SCOPES.items()},
        }


INBOX = ("ListMessages", "MarkRead")
OWN_PROVIDER = ("CreateEndpoint", "ListEndpoints", "ReadFeed")
OWN_THINGS = ("DeleteEndpoint", "ListDeliveries", "Redeliver")
MAY_READ_HER_INBOX = {"herself", "delegate who may read", "operator assisting her"}
MAY_ACT_FOR_THE_COOPERATIVE = {"provider_staff", "provider_client"}
CALLERS = sorted(
    {
        "nobody",
        "herself",
        "another citizen",
        "delegate who may read",
        "delegate who may book",
        "operator assisting her",
        "other cooperative's staff",
        "other cooperative's client",
        *ROLES,
    }
)
METHODS = (*INBOX, *OWN_PROVIDER, *OWN_THINGS)
FOR_ANYBODY = ("WatchFeeds",)
"""It names cooperatives, and nobody: test_feed_watch."""


@pytest.fixture
def stage(world: World, tmp_path: Path) -> Iterator[Stage]:
    world.knows(MARIA, GIULIA)
    endpoint = Webhooks(world).register("http://127.0.0.1:18081/hook")
    world.told(booking(MARIA))
    with serving(world, tmp_path) as api:
        yield Stage(
            api,
            world.scalar("SELECT id FROM message"),
            endpoint.id,
            world.scalar("SELECT id FROM webhook_delivery"),
        )


def expected(method: str, caller: str) -> str:
    if caller == "nobody":
        return "unauthenticated"
    allowed = MAY_READ_HER_INBOX if method in INBOX else MAY_ACT_FOR_THE_COOPERATIVE
    if caller in allowed:
        return "ok"
    # What is asked for by its id does not exist for those who may not see it.
    return "not-found" if method in (*OWN_THINGS, "MarkRead") else "forbidden"


def test_the_matrix_has_every_method_and_every_role() -> None:
    declared = {method.name for service in DESCRIPTOR.services_by_name.values() for method in service.methods}
    assert {*METHODS, *FOR_ANYBODY} == declared
    assert SCOPES.keys() == ROLES


def test_everybody_gets_what_is_theirs_and_nothing_else(stage: Stage, world: World) -> None:
    answered = {}
    callers = stage.callers()
    assert sorted(callers) == CALLERS
    # Those who may come last: deleting the endpoint ends what can be asked about it.
    order = sorted(METHODS, key=lambda method: method == "DeleteEndpoint")
    refused = [(method, name) for method in order for name in CALLERS if expected(method, name) != "ok"]
    before = world.rows(
        "SELECT (SELECT count(*) FROM webhook_endpoint), (SELECT count(read_at) FROM message)"
    )
    for method, name in refused:
        with pytest.raises(RemoteRefusal) as refusal:
            stage.api(method, stage.request(method), callers[name])
        answered[method, name] = refusal.value.type
    assert answered == {pair: expected(*pair) for pair in refused}
    assert before == world.rows(
        "SELECT (SELECT count(*) FROM webhook_endpoint), (SELECT count(read_at) FROM message)"
    )
    for method in order:
        for name in (name for name in CALLERS if expected(method, name) == "ok"):
            if method == "CreateEndpoint":
                world.change("DELETE FROM webhook_endpoint WHERE url = :url", url=URL)
            if method == "DeleteEndpoint":
                world.change("UPDATE webhook_endpoint SET state = 'active'")
            assert stage.api(method, stage.request(method), callers[name]) is not None
