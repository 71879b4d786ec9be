"""Secrets of webhooks that change over, and cooperatives to whose webhooks nothing is sent."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """A version before this one signs with the new secret alone, and sends to disabled cooperatives."""
    instant = sa.TIMESTAMP(timezone=True)
    op.add_column(
        "webhook_endpoint",
        sa.Column("previous_secret", sa.Text, comment="sealed; signs as well until then"),
    )
    op.add_column("webhook_endpoint", sa.Column("previous_secret_until", instant))
    op.create_table(
        "disabled_provider",
        sa.Column("provider", sa.Text, primary_key=True, comment="nothing is sent to its webhooks"),
        sa.Column("since", instant, nullable=False, server_default=sa.text("now()")),
    )
