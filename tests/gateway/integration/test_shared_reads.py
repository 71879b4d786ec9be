"""What many look at is asked of the catalogue once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from services.chassis.rpc.timestamps import timestamp
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2 as catalogue
from tests.gateway.conftest import running

PATH = "/api/v1/services/sad-anziani/slots?from_date=2026-12-01&to_date=2026-12-31"


def test_free_slots_are_asked_of_the_catalogue_once_for_all_who_look(tmp_path: Path) -> None:
    with running(tmp_path, shared_read_seconds=60) as edge:
        starts, ends = (timestamp(datetime(2026, 12, 1, hour, tzinfo=UTC)) for hour in (8, 9))
        slot = catalogue.Slot(id="01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e41", starts_at=starts, ends_at=ends)
        edge.services.answers["ListSlots"] = catalogue.ListSlotsResponse(items=[slot])
        told = [edge.client.get(PATH, headers=headers).json() for headers in ({}, edge.token(), {})]
        assert told[0] == told[1] == told[2]
        assert told[0]["items"][0]["starts_at"] == "2026-12-01T08:00:00.000Z"
        assert len(edge.services.calls) == 1
        _, _, metadata, _ = edge.services.calls[0]
        assert "authorization" not in metadata  # an answer for everybody is nobody's
        edge.client.get(PATH, headers={"Cache-Control": "no-cache"})
        assert len(edge.services.calls) == 2
        assert edge.client.get(PATH, headers={"Authorization": "Bearer forged"}).status_code == 401
