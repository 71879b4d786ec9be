"""The tables every service keeps beside its own: outbox, inbox and idempotency."""

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, TIMESTAMP, UUID

from services.chassis import locks

WAKE_CHANNEL: Final = "outbox"
"""NOTIFY channel on which the relay hears of new rows; channels are per database."""
MAX_DATA_BYTES: Final = 1_048_576
"""Far below what any broker refuses, so that no event can stop the relay."""


@dataclass(frozen=True)
class MessagingTables:
    """The three tables, bound to one service's metadata."""

    outbox: sa.Table
    inbox: sa.Table
    idempotency: sa.Table


def messaging_tables(metadata: sa.MetaData) -> MessagingTables:
    """Define the tables in `metadata`; `create_messaging_v1` creates them."""
    instant = TIMESTAMP(timezone=True)
    now = sa.text("now()")
    outbox = sa.Table(
        "outbox",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("event_id", UUID(as_uuid=True), nullable=False, unique=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("occurred_at", instant, nullable=False),
        sa.Column("routing_key", sa.Text, nullable=False),
        sa.Column("public", sa.Boolean, nullable=False),
        sa.Column("traceparent", sa.Text),
        sa.Column("data", BYTEA, nullable=False),
        sa.Column("created_at", instant, nullable=False, server_default=now),
        sa.Column("published_at", instant),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("next_attempt_at", instant, nullable=False, server_default=now),
        sa.Column("last_error", sa.Text),
        # What AMQP could not carry would stop the relay for good.
        sa.CheckConstraint(
            "octet_length(routing_key) <= 255 AND octet_length(type) <= 255", name="outbox_names"
        ),
        sa.CheckConstraint(f"octet_length(data) <= {MAX_DATA_BYTES}", name="outbox_data"),
        sa.Index("outbox_unpublished", "id", postgresql_where=sa.text("published_at IS NULL")),
        # Only rows the broker did not take are in this index, so that writing an event never touches it.
        sa.Index(
            "outbox_held_back",
            "next_attempt_at",
            postgresql_where=sa.text("published_at IS NULL AND attempts > 0"),
        ),
        sa.Index("outbox_published_at", "published_at", postgresql_using="brin"),
    )
    inbox = sa.Table(
        "inbox",
        metadata,
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("event_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("received_at", instant, nullable=False, server_default=now),
        sa.Index("inbox_received_at", "received_at", postgresql_using="brin"),
    )
    idempotency = sa.Table(
        "idempotency",
        metadata,
        sa.Column("actor", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("request_hash", BYTEA, nullable=False),
        sa.Column("response", BYTEA),
        sa.Column("created_at", instant, nullable=False, server_default=now),
        sa.Index("idempotency_created_at", "created_at", postgresql_using="brin"),
    )
    return MessagingTables(outbox, inbox, idempotency)


_ASLEEP: Final = ", ".join(map(str, locks.key(locks.RELAY_ASLEEP)))
_WAKE_FUNCTION: Final = f"""
CREATE FUNCTION outbox_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock_shared({_ASLEEP}) THEN
        PERFORM pg_notify('{WAKE_CHANNEL}', '');
    END IF;
    RETURN NULL;
END $$
"""
_WAKE_TRIGGER: Final = """
CREATE TRIGGER outbox_wake AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_wake()
"""


def create_messaging_v1(connection: sa.Connection) -> None:
    """Create outbox, inbox and idempotency; called from a service's first migration.

    A statement-level trigger wakes the relay, so that nobody who writes an event can forget to. It does so
    only when the relay sleeps, which it shows by holding a lock: transactions that NOTIFY commit one after
    another, which costs a busy database most of its throughput. The shared lock taken otherwise is held until
    commit, and a relay that goes to sleep waits for it and looks once more; so no event is overlooked in
    between.
    """
    metadata = sa.MetaData()
    messaging_tables(metadata)
    metadata.create_all(connection, checkfirst=False)
    connection.execute(sa.text(_WAKE_FUNCTION))
    connection.execute(sa.text(_WAKE_TRIGGER))
