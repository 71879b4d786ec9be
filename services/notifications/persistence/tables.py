"""The tables of notifications."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID

from services.chassis.messaging.tables import messaging_tables


class Xid8(sa.types.UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id, an int in Python."""

    cache_ok = True

    def get_col_spec(self, **_kw: Any) -> str:
        return "xid8"

    def bind_processor(self, dialect: sa.Dialect) -> Any:  # noqa: ANN401, ARG002 - as inherited
        return str

    def bind_expression(self, bindvalue: sa.BindParameter[int]) -> sa.ColumnElement[int]:
        return sa.cast(sa.type_coerce(bindvalue, sa.Text), self)  # PostgreSQL has no cast from a number

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:  # noqa: ANN401, ARG002 - as inherited
        return int


metadata: Final = sa.MetaData()
messaging: Final = messaging_tables(metadata)

_instant: Final = TIMESTAMP(timezone=True)
_uuid: Final = UUID(as_uuid=True)
_now: Final = sa.text("now()")

recipient: Final = sa.Table(
    "recipient",
    metadata,
    sa.Column("person_id", _uuid, primary_key=True),
    sa.Column("household_id", _uuid, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("contact", sa.Text, nullable=False, comment="sealed JSON: given_name, email, phone"),
    sa.Column("has_email", sa.Boolean, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False, comment="of the event it comes from"),
)

delegation: Final = sa.Table(
    "delegation",
    metadata,
    sa.Column("delegation_id", _uuid, primary_key=True),
    sa.Column("principal_id", _uuid, nullable=False),
    sa.Column("delegate_id", _uuid, nullable=False),
    sa.Column("powers", ARRAY(sa.Text), nullable=False),
    sa.Column("valid_to", sa.Date, nullable=False, comment="inclusive"),
    sa.Column("revoked", sa.Boolean, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False, comment="of the event it comes from"),
    sa.Index("delegation_principal_id", "principal_id"),
)

provider_name: Final = sa.Table(
    "provider_name",
    metadata,
    sa.Column("provider", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False, comment="of the event it comes from"),
)

message: Final = sa.Table(
    "message",
    metadata,
    sa.Column("id", _uuid, primary_key=True),
    sa.Column("event_id", _uuid, nullable=False),
    sa.Column("reader_id", _uuid, nullable=False, comment="whose inbox it is in"),
    sa.Column("about_id", _uuid, nullable=False, comment="whom it concerns"),
    sa.Column("notice", sa.Text, nullable=False),
    sa.Column("facts", JSONB, nullable=False),
    sa.Column("created_at", _instant, nullable=False, server_default=_now),
    sa.Column("read_at", _instant),
    sa.UniqueConstraint("reader_id", "event_id", name="message_once_per_reader"),
    sa.Index("message_reader_newest", "reader_id", sa.text("id DESC")),
    sa.Index("message_created_at", "created_at", postgresql_using="brin"),
)

email: Final = sa.Table(
    "email",
    metadata,
    sa.Column("id", _uuid, primary_key=True),
    sa.Column("event_id", _uuid, nullable=False),
    sa.Column("household_id", _uuid, nullable=False),
    sa.Column("reader_id", _uuid, nullable=False),
    sa.Column("about_id", _uuid, nullable=False),
    sa.Column("notice", sa.Text, nullable=False),
    sa.Column("facts", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="pending"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0"), comment="begun"),
    sa.Column("next_attempt_at", _instant, nullable=False, server_default=_now),
    sa.Column("lease", _uuid, comment="of the attempt under way"),
    sa.Column("leased_until", _instant),
    sa.Column("last_error", sa.Text, comment="never the address, nor the server's words"),
    sa.Column("created_at", _instant, nullable=False, server_default=_now),
    sa.Column("finished_at", _instant),
    sa.Column("traceparent", sa.Text),
    sa.UniqueConstraint("event_id", "household_id", name="email_once_per_household"),
    sa.CheckConstraint("state IN ('pending', 'sent', 'failed')", name="email_state"),
    sa.Index("email_due", "next_attempt_at", postgresql_where=sa.text("state = 'pending'")),
    sa.Index("email_created_at", "created_at", postgresql_using="brin"),
)

feed_event: Final = sa.Table(
    "feed_event",
    metadata,
    sa.Column("position", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("xid", Xid8, nullable=False, server_default=sa.text("pg_current_xact_id()")),
    sa.Column("event_id", _uuid, nullable=False, unique=True),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("occurred_at", _instant, nullable=False),
    sa.Column("data", sa.Text, nullable=False, comment="JSON, as it was published"),
    sa.Column("received_at", _instant, nullable=False, server_default=_now),
    sa.Index("feed_event_read", "provider", "xid", "position"),
    sa.Index("feed_event_received_at", "received_at", postgresql_using="brin"),
)

feed_horizon: Final = sa.Table(
    "feed_horizon",
    metadata,
    sa.Column("provider", sa.Text, primary_key=True),
    sa.Column("xid", Xid8, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False, comment="the newest event that is no longer kept"),
)

webhook_endpoint: Final = sa.Table(
    "webhook_endpoint",
    metadata,
    sa.Column("id", _uuid, primary_key=True),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("event_types", ARRAY(sa.Text), nullable=False, comment="empty: all"),
    sa.Column("secret", sa.Text, nullable=False, comment="sealed"),
    sa.Column("previous_secret", sa.Text, comment="sealed; signs as well until then"),
    sa.Column("previous_secret_until", _instant),
    sa.Column("state", sa.Text, nullable=False, server_default="active"),
    sa.Column("disabled_reason", sa.Text, nullable=False, server_default=""),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", _instant, nullable=False, server_default=_now),
    sa.Column("failing_since", _instant, comment="first failure after the last success"),
    sa.Column("paused_until", _instant, comment="the receiver asked for time"),
    sa.Column(
        "sequence", sa.BigInteger, nullable=False, server_default=sa.text("0"), comment="of its last event"
    ),
    sa.CheckConstraint("state IN ('active', 'disabled', 'deleted')", name="webhook_endpoint_state"),
    sa.Index(
        "webhook_endpoint_active_url",
        "provider",
        "url",
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    ),
)

disabled_provider: Final = sa.Table(
    "disabled_provider",
    metadata,
    sa.Column("provider", sa.Text, primary_key=True, comment="nothing is sent to its webhooks"),
    sa.Column("since", _instant, nullable=False, server_default=_now),
)
webhook_delivery: Final = sa.Table(
    "webhook_delivery",
    metadata,
    sa.Column("id", _uuid, primary_key=True),
    sa.Column("endpoint_id", _uuid, sa.ForeignKey("webhook_endpoint.id"), nullable=False),
    sa.Column("event_id", _uuid, sa.ForeignKey("feed_event.event_id"), nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="pending"),
    sa.Column(
        "attempts", sa.Integer, nullable=False, server_default=sa.text("0"), comment="begun since queued"
    ),
    sa.Column("next_attempt_at", _instant, server_default=_now),
    sa.Column("lease", _uuid, comment="of the attempt under way"),
    sa.Column("leased_until", _instant),
    sa.Column("created_at", _instant, nullable=False, server_default=_now),
    sa.Column("finished_at", _instant),
    sa.Column("traceparent", sa.Text),
    sa.UniqueConstraint("endpoint_id", "event_id", name="webhook_delivery_once_per_endpoint"),
    sa.CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="webhook_delivery_state"),
    sa.CheckConstraint("(state = 'pending') = (next_attempt_at IS NOT NULL)", name="webhook_delivery_due"),
    sa.Index(
        "webhook_delivery_due_at",
        "endpoint_id",
        "next_attempt_at",
        postgresql_where=sa.text("state = 'pending'"),
    ),
    sa.Index(
        "webhook_delivery_leased",
        "endpoint_id",
        "leased_until",
        postgresql_where=sa.text("leased_until IS NOT NULL"),
    ),
    sa.Index("webhook_delivery_event_id", "event_id"),
    sa.Index("webhook_delivery_newest", "endpoint_id", sa.text("id DESC")),
    sa.Index("webhook_delivery_finished_at", "finished_at", postgresql_using="brin"),
)

webhook_attempt: Final = sa.Table(
    "webhook_attempt",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column(
        "delivery_id",
        _uuid,
        sa.ForeignKey("webhook_delivery.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("at", _instant, nullable=False),
    sa.Column("status", sa.Integer, nullable=False, comment="HTTP status; 0: no answer"),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("milliseconds", sa.Integer, nullable=False),
)
