"""Cooperatives whose systems may not sign in, whatever the territory's folder says."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """A version before this one does not look at it."""
    op.create_table(
        "disabled_provider",
        sa.Column("provider", sa.Text, primary_key=True),
        sa.Column("since", sa.TIMESTAMP(timezone=True), nullable=False),
    )
