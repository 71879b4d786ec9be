"""Instants on the wire lose nothing and read as RFC 3339."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.rpc.timestamps import rfc3339, timestamp


@given(st.datetimes(timezones=st.just(UTC)))
def test_as_protobuf_itself_does_it(instant: datetime) -> None:
    theirs = Timestamp()
    theirs.FromDatetime(instant)
    assert timestamp(instant) == theirs
    assert rfc3339(theirs) == instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_other_zones_are_the_same_instant() -> None:
    rome = datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    assert rfc3339(timestamp(rome)) == "2026-10-25T00:30:00.000Z"


def test_a_naive_time_is_no_instant() -> None:
    with pytest.raises(TypeError):
        timestamp(datetime(2026, 10, 25, 2, 30))  # noqa: DTZ001
