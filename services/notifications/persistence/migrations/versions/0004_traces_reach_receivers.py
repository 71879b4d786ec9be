"""What is sent belongs to the trace of the request from which it came.

Both columns may be empty: versions before this one write nothing into them.
"""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Without a default, so that no row is touched."""
    op.execute("ALTER TABLE webhook_delivery ADD COLUMN traceparent text")
    op.execute("ALTER TABLE email ADD COLUMN traceparent text")
