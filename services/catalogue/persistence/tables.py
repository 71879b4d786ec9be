"""The tables of catalogue. Columns and constraints are explained in the migration that makes them."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, TSVECTOR, UUID

from services.chassis.messaging.outbox import Outbox
from services.chassis.messaging.tables import messaging_tables

metadata: Final = sa.MetaData()
messaging: Final = messaging_tables(metadata)
outbox: Final = Outbox(messaging, source="ambito/catalogue")

_instant: Final = TIMESTAMP(timezone=True)
_uuid: Final = UUID(as_uuid=True)
_texts: Final = ARRAY(sa.Text)

ambito: Final = sa.Table(
    "ambito",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True),
    sa.Column("slug", sa.Text, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("hold_seconds", sa.Integer, nullable=False),
    sa.Column("slot_horizon_days", sa.Integer, nullable=False),
    sa.Column("cancellation_notice_hours", sa.Integer, nullable=False),
    sa.Column("cancellation_notice_skips_holidays", sa.Boolean, nullable=False),
)
comune: Final = sa.Table(
    "comune",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("istat", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("cap", sa.Text, nullable=False),
    sa.Column("patron_month", sa.SmallInteger, nullable=False),
    sa.Column("patron_day", sa.SmallInteger, nullable=False),
)
social_point: Final = sa.Table(
    "social_point",
    metadata,
    sa.Column("slug", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("comune", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("phone", sa.Text, nullable=False),
    sa.Column("opening_hours", sa.Text, nullable=False),
)
closure: Final = sa.Table(
    "closure",
    metadata,
    sa.Column("first_day", sa.Date, nullable=False),
    sa.Column("last_day", sa.Date, nullable=False),
    sa.Column("comune", sa.Text),
    sa.Column("provider", sa.Text),
    sa.Column("social_point", sa.Text),
)
section: Final = sa.Table(
    "section",
    metadata,
    sa.Column("slug", sa.Text, primary_key=True),
    sa.Column("name_it", sa.Text, nullable=False),
    sa.Column("name_en", sa.Text, nullable=False),
)
category: Final = sa.Table(
    "category",
    metadata,
    sa.Column("slug", sa.Text, primary_key=True),
    sa.Column("name_it", sa.Text, nullable=False),
    sa.Column("name_en", sa.Text, nullable=False),
)
provider: Final = sa.Table(
    "provider",
    metadata,
    sa.Column("slug", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description_it", sa.Text, nullable=False),
    sa.Column("description_en", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("phone", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)
accreditation: Final = sa.Table(
    "accreditation",
    metadata,
    sa.Column("provider", sa.Text, primary_key=True),
    sa.Column("section", sa.Text, primary_key=True),
    sa.Column("valid_from", sa.Date, primary_key=True),
    sa.Column("valid_to", sa.Date, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", _instant),
)
service: Final = sa.Table(
    "service",
    metadata,
    sa.Column("slug", sa.Text, primary_key=True),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("section", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name_it", sa.Text, nullable=False),
    sa.Column("name_en", sa.Text, nullable=False),
    sa.Column("description_it", sa.Text, nullable=False),
    sa.Column("description_en", sa.Text, nullable=False),
    sa.Column("target_it", sa.Text, nullable=False),
    sa.Column("target_en", sa.Text, nullable=False),
    sa.Column("duration_minutes", sa.Integer, nullable=False),
    sa.Column("price_cents", sa.Integer, nullable=False),
    sa.Column("measures", _texts, nullable=False),
    sa.Column("keywords", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("search", TSVECTOR, sa.Computed("", persisted=True)),
)
offering: Final = sa.Table(
    "offering",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("comuni", _texts, nullable=False),
    sa.Column("price_cents", sa.Integer),
    sa.Column("social_point", sa.Text),
    sa.Column("active", sa.Boolean, nullable=False),
)
availability_rule: Final = sa.Table(
    "availability_rule",
    metadata,
    sa.Column("offering_id", sa.Text, nullable=False),
    sa.Column("weekdays", ARRAY(sa.SmallInteger), nullable=False),
    sa.Column("opens", sa.Time, nullable=False),
    sa.Column("closes", sa.Time, nullable=False),
    sa.Column("slot_minutes", sa.Integer, nullable=False),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("on_holidays", sa.Boolean, nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date),
)
slot: Final = sa.Table(
    "slot",
    metadata,
    sa.Column("id", _uuid, primary_key=True),
    sa.Column("offering_id", sa.Text, nullable=False),
    sa.Column("starts_at", _instant, nullable=False),
    sa.Column("ends_at", _instant, nullable=False),
    sa.Column("service_date", sa.Date, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("taken", sa.Integer, nullable=False, server_default="0"),
    sa.Column("withdrawn", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("closed_comuni", _texts, nullable=False),
)
booking: Final = sa.Table(
    "booking",
    metadata,
    sa.Column("id", _uuid, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("person_id", _uuid, nullable=False),
    sa.Column("comune", sa.Text, nullable=False),
    sa.Column("slot_id", _uuid, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("voucher_id", _uuid),
    sa.Column("minutes", sa.Integer, nullable=False),
    sa.Column("price_cents", sa.Integer, nullable=False),
    sa.Column("starts_at", _instant, nullable=False),
    sa.Column("ends_at", _instant, nullable=False),
    sa.Column("service_date", sa.Date, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("held_until", _instant),
    sa.Column("reason", sa.Text),
    sa.Column("reason_sealed", sa.Text),
    sa.Column("refusal", JSONB(none_as_null=True)),
    sa.Column("cancelled_by", sa.Text),
    sa.Column("delivered_at", _instant),
    sa.Column("wrong_codes", sa.SmallInteger, nullable=False),
    sa.Column("booked_by", sa.Text, nullable=False),
    sa.Column("created_at", _instant, nullable=False),
    sa.Column("changed_at", _instant, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
)
person: Final = sa.Table(
    "person",
    metadata,
    sa.Column("id", _uuid, primary_key=True),
    sa.Column("comune", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
)
display_seed: Final = sa.Table(
    "display_seed",
    metadata,
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("period", _instant, primary_key=True),
    sa.Column("seed", sa.Text, nullable=False),
)
search_word: Final = sa.Table("search_word", metadata, sa.Column("word", sa.Text, primary_key=True))
