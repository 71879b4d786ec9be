"""Words of cancellations are kept sealed; `reason` is left to the stable types of refusals.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Words that were kept in clear are taken away: the key that could seal them is none of a migration's
# business, and they must not stay readable. The version before this one still writes `reason` when it
# cancels, so the constraint that leaves it to refusals has to wait for the release after.
STATEMENTS = """
UPDATE booking SET reason = NULL WHERE state = 'cancelled' AND reason IS NOT NULL;
ALTER TABLE booking
    ADD COLUMN reason_sealed text,  -- words of a cancellation; sealed, bound to the booking's id
    ADD CONSTRAINT booking_reason_sealed CHECK (reason_sealed IS NULL OR state = 'cancelled');
"""


def upgrade() -> None:
    """Add the column and forget the words that are not in it."""
    op.execute(STATEMENTS)
