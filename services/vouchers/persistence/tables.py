"""The tables of the service. Their constraints and triggers are in the migrations."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID

from services.chassis.messaging.tables import messaging_tables

metadata: Final = sa.MetaData()
messaging: Final = messaging_tables(metadata)

_INSTANT = TIMESTAMP(timezone=True)
_ID = UUID(as_uuid=True)

ambito: Final = sa.Table(
    "ambito",
    metadata,
    sa.Column("slug", sa.Text, primary_key=True),
    sa.Column("maker_checker", sa.Boolean, nullable=False),
    sa.Column("change_notice_days", sa.Integer, nullable=False),
    sa.Column("change_interval_days", sa.Integer, nullable=False),
)

measure: Final = sa.Table(
    "measure",
    metadata,
    sa.Column("slug", sa.Text, primary_key=True),
    sa.Column("name_it", sa.Text, nullable=False),
    sa.Column("name_en", sa.Text, nullable=False),
    sa.Column("fund", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("sections", ARRAY(sa.Text), nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date),
    sa.Column("incompatible_with", ARRAY(sa.Text), nullable=False),
    sa.Column("rules", JSONB, nullable=False),
)

budget: Final = sa.Table(
    "budget",
    metadata,
    sa.Column("comune", sa.Text, primary_key=True),
    sa.Column("fund", sa.Text, primary_key=True),
    sa.Column("year", sa.Integer, primary_key=True),
    sa.Column("allocated_cents", sa.BigInteger, nullable=False),
    sa.Column("committed_cents", sa.BigInteger, nullable=False, server_default="0"),
)

person: Final = sa.Table(
    "person",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("comune", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
)

provider: Final = sa.Table(
    "provider",
    metadata,
    sa.Column("slug", sa.Text, primary_key=True),
    sa.Column("accreditations", JSONB, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
)

service: Final = sa.Table(
    "service",
    metadata,
    sa.Column("slug", sa.Text, primary_key=True),
    sa.Column("section", sa.Text, nullable=False),
    sa.Column("duration_minutes", sa.Integer, nullable=False),
    sa.Column("price_cents", sa.Integer, nullable=False),
    sa.Column("measures", ARRAY(sa.Text), nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
)

plan: Final = sa.Table(
    "plan",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("person_id", _ID, nullable=False),
    sa.Column("comune", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date, nullable=False),
    sa.Column("goals_sealed", sa.Text, nullable=False),
    sa.Column("written_by", sa.Text, nullable=False),
    sa.Column("written_at", _INSTANT, nullable=False),
    sa.Column("signed_by", sa.Text),
    sa.Column("signed_with", sa.Text),
    sa.Column("signed_at", _INSTANT),
    sa.Column("version", sa.BigInteger, nullable=False),
)

plan_line: Final = sa.Table(
    "plan_line",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("plan_id", _ID, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("measure", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("section", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Column("issued", sa.BigInteger, nullable=False, server_default="0"),
)

voucher: Final = sa.Table(
    "voucher",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("person_id", _ID, nullable=False),
    sa.Column("comune", sa.Text, nullable=False),
    sa.Column("plan_id", _ID, nullable=False),
    sa.Column("plan_line_id", _ID, nullable=False),
    sa.Column("measure", sa.Text, nullable=False),
    sa.Column("fund", sa.Text, nullable=False),
    sa.Column("budget_year", sa.Integer, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("section", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date, nullable=False),
    sa.Column("issued", sa.BigInteger, nullable=False),
    sa.Column("available", sa.BigInteger, nullable=False),
    sa.Column("reserved", sa.BigInteger, nullable=False),
    sa.Column("consumed", sa.BigInteger, nullable=False),
    sa.Column("returned", sa.BigInteger, nullable=False),
    sa.Column("expired", sa.BigInteger, nullable=False),
    sa.Column("committed_cents", sa.BigInteger, nullable=False),
    sa.Column(
        "consumed_cents",
        sa.BigInteger,
        nullable=False,
        server_default="0",
        comment="what its consumptions cost; kept by a trigger on the ledger",
    ),
    # The assignments in force, as two arrays that belong together: the guard of a hold must find them on this
    # row.
    sa.Column("assigned_from", ARRAY(sa.Date), nullable=False),
    sa.Column("assigned_providers", ARRAY(sa.Text), nullable=False),
    sa.Column("entries", sa.BigInteger, nullable=False),
    sa.Column("head_hash", sa.Text, nullable=False),
    sa.Column("issued_by", sa.Text, nullable=False),
    sa.Column("issued_at", _INSTANT, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)

assignment: Final = sa.Table(
    "assignment",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("voucher_id", _ID, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date),
    sa.Column("chosen_by", sa.Text, nullable=False),
    sa.Column("chosen_at", _INSTANT, nullable=False),
    sa.Column("replaced_at", _INSTANT),
)

hold: Final = sa.Table(
    "hold",
    metadata,
    sa.Column("booking_id", _ID, primary_key=True),
    sa.Column("voucher_id", _ID),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("quantity", sa.BigInteger),
    sa.Column("amount_cents", sa.BigInteger),
    sa.Column("provider", sa.Text),
    sa.Column("service_date", sa.Date),
    sa.Column("recorded_at", _INSTANT, nullable=False),
    sa.Column("ended_at", _INSTANT),
)

ledger_entry: Final = sa.Table(
    "ledger_entry",
    metadata,
    sa.Column("voucher_id", _ID, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Column("amount_cents", sa.BigInteger, nullable=False),
    sa.Column("available", sa.BigInteger, nullable=False),
    sa.Column("booking_id", _ID),
    sa.Column("provider", sa.Text),
    sa.Column("service_date", sa.Date),
    sa.Column("recorded_at", _INSTANT, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)
