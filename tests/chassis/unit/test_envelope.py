"""What goes out as a message comes in as the same event."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from services.chassis import tracing
from services.chassis.messaging.envelope import from_message, to_message
from services.chassis.messaging.outbox import Outbox
from services.chassis.messaging.received import PermanentFailure
from services.chassis.messaging.tables import messaging_tables
from tests.chassis.probe.events import event

OUTBOX = Outbox(messaging_tables(sa.MetaData()), "ambito/probe")


def test_an_event_survives_the_wire() -> None:
    happened = replace(
        event(name="perché"),
        occurred_at=datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2))),
    )
    message = to_message(OUTBOX.values(happened), "probe")
    assert message.headers["ce-time"] == "2026-03-29T00:30:00.123456Z"
    received = from_message(
        message.headers, content_type=message.content_type, routing_key=message.routing_key, body=message.body
    )
    for attribute in ("id", "type", "subject", "sequence", "routing_key"):
        assert getattr(received, attribute) == getattr(happened, attribute)
    assert received.occurred_at == happened.occurred_at.astimezone(UTC)
    assert received.body == happened.data


def test_public_and_internal_events_go_to_different_exchanges() -> None:
    for public, exchange in ((True, "ambito.probe.public"), (False, "ambito.probe")):
        assert to_message(OUTBOX.values(replace(event(), public=public)), "probe").exchange == exchange


def test_the_trace_travels_along() -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with tracing.start_from(traceparent):
        message = to_message(OUTBOX.values(event()), "probe")
    assert message.headers["traceparent"].split("-")[1] == traceparent.split("-")[1]
    assert "traceparent" not in to_message(OUTBOX.values(event()), "probe").headers


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes(),
    lambda values: st.lists(values, max_size=2) | st.dictionaries(st.text(), values, max_size=2),
    max_leaves=4,
)
MESSAGE = to_message(OUTBOX.values(event()), "probe")


@given(st.dictionaries(st.sampled_from([*MESSAGE.headers, "traceparent"]), VALUES, min_size=1))
def test_whatever_headers_hold_it_is_an_event_or_said_not_to_be_one(changes: dict[str, object]) -> None:
    headers = {**MESSAGE.headers, **changes}
    with suppress(PermanentFailure):
        received = from_message(
            headers, content_type=MESSAGE.content_type, routing_key=MESSAGE.routing_key, body=MESSAGE.body
        )
        with tracing.start_from(received.traceparent):
            assert tracing.current_trace_id() is not None
        for name, kind in (("type", str), ("subject", str), ("sequence", int), ("occurred_at", datetime)):
            assert isinstance(getattr(received, name), kind)
