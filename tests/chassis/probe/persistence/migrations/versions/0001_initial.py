"""The chassis' tables, and what the probe's handlers and jobs leave behind."""

import sqlalchemy as sa
from alembic import op

from services.chassis.messaging.tables import create_messaging_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_messaging_v1(op.get_bind())
    op.create_table(
        "effect",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("at", sa.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()")),
    )
    op.create_table(
        "tries",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("at", sa.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()")),
    )
    op.create_table(
        "turn",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()")),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True)),
    )
