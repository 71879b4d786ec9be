"""Persons, accounts, sessions, delegations, assistance and the log of reads."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, TIMESTAMP, UUID

from services.chassis.messaging.tables import create_messaging_v1

revision = "0001"
down_revision = None

INSTANT = TIMESTAMP(timezone=True)
ID = UUID(as_uuid=True)


def upgrade() -> None:
    create_messaging_v1(op.get_bind())
    op.create_table(
        "comune",
        sa.Column("belfiore", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
    )
    op.create_table(
        "social_point",
        sa.Column("slug", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("comune", sa.Text, sa.ForeignKey("comune.belfiore"), nullable=False),
    )
    _persons()
    _accounts()
    _acting_for_others()


def _persons() -> None:
    op.create_table(
        "person",
        sa.Column("id", ID, primary_key=True),
        sa.Column("given_name_sealed", sa.Text, nullable=False),
        sa.Column("family_name_sealed", sa.Text, nullable=False),
        sa.Column("birth_date_sealed", sa.Text, nullable=False),
        sa.Column("sex_sealed", sa.Text, nullable=False),
        sa.Column("comune", sa.Text, sa.ForeignKey("comune.belfiore"), nullable=False),
        sa.Column("address_sealed", sa.Text, nullable=False),
        sa.Column("email_sealed", sa.Text),
        sa.Column("phone_sealed", sa.Text),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("household_id", ID, nullable=False),
        sa.Column("registered_at", INSTANT, nullable=False),
        sa.Column("registered_at_social_point", sa.Text, sa.ForeignKey("social_point.slug")),
        sa.Column("registered_by", sa.Text, nullable=False),
        sa.Column("identified_by", sa.Text),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "codice_fiscale",
        sa.Column("value_index", BYTEA, primary_key=True),
        sa.Column("person_id", ID, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("value_sealed", sa.Text, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT),
    )
    op.create_index(
        "codice_fiscale_current",
        "codice_fiscale",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_table(
        "claim",
        sa.Column("person_id", ID, sa.ForeignKey("person.id"), primary_key=True),
        sa.Column("nonce", BYTEA, nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("issued_by", sa.Text, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("attempts_left", sa.Integer, nullable=False),
        sa.Column("used_at", INSTANT),
    )
    op.create_table(
        "file_read",
        sa.Column("id", ID, primary_key=True),
        sa.Column("person_id", ID, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("reader", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("reason_sealed", sa.Text, nullable=False),
    )
    op.create_index("file_read_newest", "file_read", ["person_id", sa.text("at DESC"), sa.text("id DESC")])


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", ID, primary_key=True),
        sa.Column("person_id", ID, sa.ForeignKey("person.id"), unique=True),
        sa.Column("username_index", BYTEA, nullable=False, unique=True),
        sa.Column("username_sealed", sa.Text, nullable=False),
        sa.Column("display_name_sealed", sa.Text),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
    )
    op.create_table(
        "account_role",
        sa.Column("account_id", ID, sa.ForeignKey("account.id"), primary_key=True),
        sa.Column("role", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, primary_key=True),
    )
    op.create_table(
        "api_client",
        sa.Column("client_id", sa.Text, primary_key=True),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret_index", BYTEA, nullable=False),
        sa.Column("closed_at", INSTANT),
    )
    op.create_table(
        "session",
        sa.Column("id", ID, primary_key=True),
        sa.Column("account_id", ID, sa.ForeignKey("account.id"), nullable=False, index=True),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False, index=True),
        sa.Column("revoked_at", INSTANT),
        sa.Column("revoked_because", sa.Text),
    )
    op.create_table(
        "refresh_token",
        sa.Column("token_index", BYTEA, primary_key=True),
        sa.Column(
            "session_id", ID, sa.ForeignKey("session.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
    )
    op.create_table(
        "throttle",
        sa.Column("key_index", BYTEA, primary_key=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False, index=True),
        sa.Column("blocked_until", INSTANT, nullable=False),
    )


def _acting_for_others() -> None:
    op.create_table(
        "delegation",
        sa.Column("id", ID, primary_key=True),
        sa.Column("principal_id", ID, sa.ForeignKey("person.id"), nullable=False, index=True),
        sa.Column("delegate_id", ID, sa.ForeignKey("person.id"), nullable=False, index=True),
        sa.Column("powers", ARRAY(sa.Text), nullable=False),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("valid_to", sa.Date, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("recorded_at_social_point", sa.Text, sa.ForeignKey("social_point.slug")),
        sa.Column("granted_at", INSTANT, nullable=False),
        sa.Column("granted_by", sa.Text, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.Column("revoked_by", sa.Text),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.CheckConstraint("principal_id <> delegate_id", name="delegation_of_another"),
        sa.CheckConstraint("state IN ('active', 'revoked', 'expired')", name="delegation_state"),
    )
    op.create_index(
        "delegation_active",
        "delegation",
        ["principal_id", "delegate_id"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index(
        "delegation_ending", "delegation", ["valid_to"], postgresql_where=sa.text("state = 'active'")
    )
    op.create_table(
        "assistance",
        sa.Column("id", ID, primary_key=True),
        sa.Column("person_id", ID, sa.ForeignKey("person.id"), nullable=False, index=True),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("social_point", sa.Text, sa.ForeignKey("social_point.slug"), nullable=False),
        sa.Column("identified_by", sa.Text, nullable=False),
        sa.Column("purpose_sealed", sa.Text, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
    )
