"""The tables of identity.

Columns named `*_sealed` hold what :class:`~services.identity.persistence.personal_data.PersonalData`
encrypted for that column and row; columns named `*_index` hold keyed hashes to find a row by. Nothing else is
personal.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, TIMESTAMP, UUID

from services.chassis.messaging.tables import messaging_tables

metadata = sa.MetaData()
messaging = messaging_tables(metadata)

_INSTANT = TIMESTAMP(timezone=True)
_ID = UUID(as_uuid=True)


def _column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)  # type: ignore[arg-type]


comune = sa.Table(
    "comune",
    metadata,
    sa.Column("belfiore", sa.Text, primary_key=True),
    _column("name", sa.Text),
)

social_point = sa.Table(
    "social_point",
    metadata,
    sa.Column("slug", sa.Text, primary_key=True),
    _column("name", sa.Text),
    sa.Column("comune", sa.Text, sa.ForeignKey(comune.c.belfiore), nullable=False),
)

person = sa.Table(
    "person",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    _column("given_name_sealed", sa.Text),
    _column("family_name_sealed", sa.Text),
    _column("birth_date_sealed", sa.Text),
    _column("sex_sealed", sa.Text),
    sa.Column("comune", sa.Text, sa.ForeignKey(comune.c.belfiore), nullable=False),
    _column("address_sealed", sa.Text),
    _column("email_sealed", sa.Text, nullable=True),
    _column("phone_sealed", sa.Text, nullable=True),
    _column("language", sa.Text),
    _column("household_id", _ID),
    _column("registered_at", _INSTANT),
    # Null when she registered herself, or came from a register.
    sa.Column("registered_at_social_point", sa.Text, sa.ForeignKey(social_point.c.slug)),
    _column("registered_by", sa.Text),  # a subject, "self" or "register"
    _column("identified_by", sa.Text, nullable=True),
    # Of the person's events too: each change writes one.
    _column("version", sa.BigInteger),
)

# All codes a person ever had: they may change (provisional to definitive, omocodia), and an old one stays
# hers.
codice_fiscale = sa.Table(
    "codice_fiscale",
    metadata,
    sa.Column("value_index", BYTEA, primary_key=True),
    sa.Column("person_id", _ID, sa.ForeignKey(person.c.id), nullable=False),
    _column("value_sealed", sa.Text),
    _column("since", _INSTANT),
    _column("until", _INSTANT, nullable=True),
    sa.Index("codice_fiscale_current", "person_id", unique=True, postgresql_where=sa.text("until IS NULL")),
)

account = sa.Table(
    "account",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    # Null for staff.
    sa.Column("person_id", _ID, sa.ForeignKey(person.c.id), unique=True),
    sa.Column("username_index", BYTEA, nullable=False, unique=True),
    _column("username_sealed", sa.Text),
    # Null for persons, who have a name of their own.
    _column("display_name_sealed", sa.Text, nullable=True),
    _column("password_hash", sa.Text),
    _column("created_at", _INSTANT),
    _column("closed_at", _INSTANT, nullable=True),
)

account_role = sa.Table(
    "account_role",
    metadata,
    sa.Column("account_id", _ID, sa.ForeignKey(account.c.id), primary_key=True),
    sa.Column("role", sa.Text, primary_key=True),
    sa.Column("scope", sa.Text, primary_key=True),
)

api_client = sa.Table(
    "api_client",
    metadata,
    sa.Column("client_id", sa.Text, primary_key=True),
    _column("provider", sa.Text),
    _column("name", sa.Text),
    _column("secret_index", BYTEA),
    _column("closed_at", _INSTANT, nullable=True),
)

# What holds for all clients of a cooperative, those included that the territory's folder names later.
disabled_provider = sa.Table(
    "disabled_provider",
    metadata,
    sa.Column("provider", sa.Text, primary_key=True),
    _column("since", _INSTANT),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("account_id", _ID, sa.ForeignKey(account.c.id), nullable=False, index=True),
    _column("started_at", _INSTANT),
    sa.Column("expires_at", _INSTANT, nullable=False, index=True),
    _column("revoked_at", _INSTANT, nullable=True),
    _column("revoked_because", sa.Text, nullable=True),
)

refresh_token = sa.Table(
    "refresh_token",
    metadata,
    sa.Column("token_index", BYTEA, primary_key=True),
    sa.Column("session_id", _ID, sa.ForeignKey(session.c.id, ondelete="CASCADE"), nullable=False, index=True),
    _column("expires_at", _INSTANT),
    _column("used_at", _INSTANT, nullable=True),
)

throttle = sa.Table(
    "throttle",
    metadata,
    sa.Column("key_index", BYTEA, primary_key=True),
    _column("attempts", sa.Integer),
    sa.Column("last_at", _INSTANT, nullable=False, index=True),
    _column("blocked_until", _INSTANT),
)

claim = sa.Table(
    "claim",
    metadata,
    sa.Column("person_id", _ID, sa.ForeignKey(person.c.id), primary_key=True),
    # The code itself is computed from it and a key that is not in the database.
    _column("nonce", BYTEA),
    _column("issued_at", _INSTANT),
    _column("issued_by", sa.Text),
    _column("expires_at", _INSTANT),
    _column("attempts_left", sa.Integer),
    _column("used_at", _INSTANT, nullable=True),
)

delegation = sa.Table(
    "delegation",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("principal_id", _ID, sa.ForeignKey(person.c.id), nullable=False, index=True),
    sa.Column("delegate_id", _ID, sa.ForeignKey(person.c.id), nullable=False, index=True),
    _column("powers", ARRAY(sa.Text)),
    _column("valid_from", sa.Date),
    _column("valid_to", sa.Date),
    _column("state", sa.Text),
    sa.Column("recorded_at_social_point", sa.Text, sa.ForeignKey(social_point.c.slug)),
    _column("granted_at", _INSTANT),
    _column("granted_by", sa.Text),
    _column("revoked_at", _INSTANT, nullable=True),
    _column("revoked_by", sa.Text, nullable=True),
    _column("version", sa.BigInteger),
    sa.CheckConstraint("principal_id <> delegate_id", name="delegation_of_another"),
    sa.CheckConstraint("state IN ('active', 'revoked', 'expired')", name="delegation_state"),
    sa.Index(
        "delegation_active",
        "principal_id",
        "delegate_id",
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    ),
    sa.Index("delegation_ending", "valid_to", postgresql_where=sa.text("state = 'active'")),
)

assistance = sa.Table(
    "assistance",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("person_id", _ID, sa.ForeignKey(person.c.id), nullable=False, index=True),
    _column("operator", sa.Text),  # subject
    sa.Column("social_point", sa.Text, sa.ForeignKey(social_point.c.slug), nullable=False),
    _column("identified_by", sa.Text),
    _column("purpose_sealed", sa.Text),
    _column("started_at", _INSTANT),
    _column("expires_at", _INSTANT),
)

# Every look of somebody else at a person's file.
file_read = sa.Table(
    "file_read",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("person_id", _ID, sa.ForeignKey(person.c.id), nullable=False),
    _column("at", _INSTANT),
    _column("reader", sa.Text),  # subject
    _column("role", sa.Text),
    _column("operation", sa.Text),
    _column("reason_sealed", sa.Text),
    sa.Index("file_read_newest", "person_id", sa.text("at DESC"), sa.text("id DESC")),
)
