"""What many look at is asked of the catalogue once, and told again without a look at the route."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from gateway.shared_reads import Known, PublicReads
from services.chassis.refusal import Unavailable
from services.chassis.rpc.timestamps import timestamp
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2 as catalogue
from tests.gateway.conftest import Edge, running

ROUTE = "/services/{slug}/slots"
PATH = "/api/v1/services/sad-anziani/slots?from_date=2026-12-01&to_date=2026-12-31"


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    """A gateway that keeps answers for longer than a test takes, and a catalogue with a free slot."""
    with running(tmp_path, shared_read_seconds=60) as edge:
        starts, ends = (timestamp(datetime(2026, 12, 1, hour, tzinfo=UTC)) for hour in (8, 9))
        slot = catalogue.Slot(id="01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e41", starts_at=starts, ends_at=ends)
        edge.services.answers["ListSlots"] = catalogue.ListSlotsResponse(items=[slot])
        yield edge


def counted(status: int) -> float:
    """Requests of the route that were answered so."""
    labels = {"method": "GET", "route": ROUTE, "status": str(status)}
    return REGISTRY.get_sample_value("gateway_requests_total", labels) or 0.0


def test_free_slots_are_asked_of_the_catalogue_once_for_all_who_look(edge: Edge) -> None:
    before = counted(200)
    told = [edge.client.get(PATH, headers=headers) for headers in ({}, edge.token(), {})]
    assert [one.status_code for one in told] == [200] * 3
    assert {one.content for one in told} == {told[0].content}
    assert {one.headers["content-type"] for one in told} == {"application/json"}
    assert all("x-ratelimit-remaining" in one.headers for one in told)
    assert len({one.headers["x-request-id"] for one in told}) == 3
    assert told[0].json()["items"][0]["starts_at"] == "2026-12-01T08:00:00.000Z"
    assert len(edge.services.calls) == 1
    _, _, metadata, _ = edge.services.calls[0]
    assert "authorization" not in metadata  # an answer for everybody is nobody's
    assert counted(200) - before == 3  # under the name of their route


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Cache-Control": "no-cache"}, 200),
        ({"Authorization": "Bearer forged"}, 401),
        ({"Authorization": "Basic YTpi"}, 401),
    ],
)
def test_what_is_unusual_goes_on_to_the_route(edge: Edge, headers: dict[str, str], status: int) -> None:
    edge.client.get(PATH)
    assert edge.client.get(PATH, headers=headers).status_code == status
    assert len(edge.services.calls) == (2 if status == 200 else 1)


def test_an_expired_token_is_refused_where_the_answer_is_known(edge: Edge) -> None:
    edge.client.get(PATH)
    refused = edge.client.get(PATH, headers=edge.token(lifetime_seconds=-60))
    assert refused.json()["type"] == "urn:ambito:problem:token-expired"


def test_only_the_question_itself_is_known(edge: Edge) -> None:
    edge.client.get(PATH)
    edge.client.get(PATH.replace("sad-anziani", "sad-minori"))
    edge.client.get(PATH + "&comune=L319")
    assert len(edge.services.calls) == 3
    assert edge.client.post(PATH).status_code == 405
    assert edge.client.get(PATH + "&provider=NO").status_code == 422


def test_a_failure_is_not_known(edge: Edge) -> None:
    slots = edge.services.answers["ListSlots"]
    edge.services.answers["ListSlots"] = Unavailable(retry_after_seconds=1)
    assert edge.client.get(PATH).status_code == 503
    edge.services.answers["ListSlots"] = slots
    assert edge.client.get(PATH).status_code == 200


def test_what_is_known_is_told_before_the_route(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """And without this short way, the route tells the same."""
    first = edge.client.get(PATH)
    monkeypatch.setattr(PublicReads, "answer", None)  # whoever comes to the route has a 500
    assert edge.client.get(PATH).content == first.content
    monkeypatch.undo()
    monkeypatch.setattr(Known, "_known", lambda *_: None)
    assert edge.client.get(PATH).content == first.content
    assert len(edge.services.calls) == 1
