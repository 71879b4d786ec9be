"""The first tables of notifications.

Revision ID: 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.chassis.messaging.tables import create_messaging_v1

revision = "0001"
down_revision = None


class _Xid8(sa.types.UserDefinedType[int]):
    def get_col_spec(self, **_kw: Any) -> str:
        return "xid8"


_WAKE_FUNCTION = """
CREATE FUNCTION deliver_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('deliver', '');
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Create them. A trigger wakes the `deliver` process, so that nobody who queues work can forget to."""
    create_messaging_v1(op.get_bind())
    op.create_table(
        "delegation",
        sa.Column("delegation_id", sa.UUID(), nullable=False),
        sa.Column("principal_id", sa.UUID(), nullable=False),
        sa.Column("delegate_id", sa.UUID(), nullable=False),
        sa.Column("powers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False, comment="inclusive"),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False, comment="of the event it comes from"),
        sa.PrimaryKeyConstraint("delegation_id"),
    )
    op.create_index("delegation_principal_id", "delegation", ["principal_id"], unique=False)
    op.create_table(
        "email",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("reader_id", sa.UUID(), nullable=False),
        sa.Column("about_id", sa.UUID(), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="begun"),
        sa.Column(
            "next_attempt_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("lease", sa.UUID(), nullable=True, comment="of the attempt under way"),
        sa.Column("leased_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "last_error", sa.Text(), nullable=True, comment="never the address, nor the server's words"
        ),
        sa.Column(
            "created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'sent', 'failed')", name="email_state"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("event_id", "household_id", name="email_once_per_household"),
    )
    op.create_index("email_created_at", "email", ["created_at"], unique=False, postgresql_using="brin")
    op.create_index(
        "email_due", "email", ["next_attempt_at"], unique=False, postgresql_where=sa.text("state = 'pending'")
    )
    op.create_table(
        "feed_event",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("xid", _Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("data", sa.Text(), nullable=False, comment="JSON, as it was published"),
        sa.Column(
            "received_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("event_id"),
    )
    op.create_index("feed_event_read", "feed_event", ["provider", "xid", "position"], unique=False)
    op.create_index(
        "feed_event_received_at", "feed_event", ["received_at"], unique=False, postgresql_using="brin"
    )
    op.create_table(
        "feed_horizon",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("xid", _Xid8(), nullable=False),
        sa.Column(
            "position", sa.BigInteger(), nullable=False, comment="the newest event that is no longer kept"
        ),
        sa.PrimaryKeyConstraint("provider"),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("reader_id", sa.UUID(), nullable=False, comment="whose inbox it is in"),
        sa.Column("about_id", sa.UUID(), nullable=False, comment="whom it concerns"),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("read_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reader_id", "event_id", name="message_once_per_reader"),
    )
    op.create_index("message_created_at", "message", ["created_at"], unique=False, postgresql_using="brin")
    op.create_index("message_reader_newest", "message", ["reader_id", sa.text("id DESC")], unique=False)
    op.create_table(
        "provider_name",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False, comment="of the event it comes from"),
        sa.PrimaryKeyConstraint("provider"),
    )
    op.create_table(
        "recipient",
        sa.Column("person_id", sa.UUID(), nullable=False),
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False, comment="sealed JSON: given_name, email, phone"),
        sa.Column("has_email", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False, comment="of the event it comes from"),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("event_types", postgresql.ARRAY(sa.Text()), nullable=False, comment="empty: all"),
        sa.Column("secret", sa.Text(), nullable=False, comment="sealed"),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("disabled_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column(
            "created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column(
            "failing_since",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="first failure after the last success",
        ),
        sa.Column(
            "paused_until",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="the receiver asked for time",
        ),
        sa.Column(
            "sequence",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="of its last event",
        ),
        sa.CheckConstraint("state IN ('active', 'disabled', 'deleted')", name="webhook_endpoint_state"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "webhook_endpoint_active_url",
        "webhook_endpoint",
        ["provider", "url"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("endpoint_id", sa.UUID(), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column(
            "attempts",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="begun since queued",
        ),
        sa.Column(
            "next_attempt_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=True,
        ),
        sa.Column("lease", sa.UUID(), nullable=True, comment="of the attempt under way"),
        sa.Column("leased_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'pending') = (next_attempt_at IS NOT NULL)", name="webhook_delivery_due"
        ),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="webhook_delivery_state"),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoint.id"],
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["feed_event.event_id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("endpoint_id", "event_id", name="webhook_delivery_once_per_endpoint"),
    )
    op.create_index(
        "webhook_delivery_due_at",
        "webhook_delivery",
        ["endpoint_id", "next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("webhook_delivery_event_id", "webhook_delivery", ["event_id"], unique=False)
    op.create_index(
        "webhook_delivery_finished_at",
        "webhook_delivery",
        ["finished_at"],
        unique=False,
        postgresql_using="brin",
    )
    op.create_index(
        "webhook_delivery_leased",
        "webhook_delivery",
        ["endpoint_id", "leased_until"],
        unique=False,
        postgresql_where=sa.text("leased_until IS NOT NULL"),
    )
    op.create_index(
        "webhook_delivery_newest", "webhook_delivery", ["endpoint_id", sa.text("id DESC")], unique=False
    )
    op.create_table(
        "webhook_attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("delivery_id", sa.UUID(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False, comment="HTTP status; 0: no answer"),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["webhook_delivery.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_webhook_attempt_delivery_id"), "webhook_attempt", ["delivery_id"], unique=False)
    op.execute(_WAKE_FUNCTION)
    for table in ("email", "webhook_delivery"):
        op.execute(
            f"CREATE TRIGGER deliver_wake AFTER INSERT ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION deliver_wake()"
        )
