"""E-mails wake nobody: `deliver` looks for them every second.

Transactions that NOTIFY commit one after the other, and every event that is told to a person queues an
e-mail. Nobody notices whether an e-mail leaves a second later.
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Webhooks still wake it."""
    op.execute("DROP TRIGGER deliver_wake ON email")
