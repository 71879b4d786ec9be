"""What is done to databases so that alarms ring, and how it is put right: psql scripts."""

from __future__ import annotations

from docker.models.containers import Container

from tests.support.containers import output

WRONG_BUDGETS = """
UPDATE budget SET committed_cents = allocated_cents - 1 WHERE allocated_cents > 1
"""
RIGHT_BUDGETS = """
UPDATE budget b SET committed_cents = coalesce((
    SELECT sum(CASE e.kind WHEN 'issue' THEN e.amount_cents ELSE -e.amount_cents END)
    FROM voucher v JOIN ledger_entry e ON e.voucher_id = v.id
    WHERE e.kind IN ('issue', 'expire') AND (v.comune, v.fund, v.budget_year) = (b.comune, b.fund, b.year)
), 0)
"""
# Only a superuser can: triggers keep everybody else from it.
WRONG_LEDGER = """
SET session_replication_role = replica;
UPDATE ledger_entry SET quantity = quantity + 1 WHERE sequence = 1
"""
RIGHT_LEDGER = WRONG_LEDGER.replace("+ 1", "- 1")
WRONG_SEATS = "UPDATE slot SET taken = taken + 1 WHERE id = (SELECT min(slot_id::text)::uuid FROM booking)"
RIGHT_SEATS = WRONG_SEATS.replace("+ 1", "- 1")

# Due, and in the hands of somebody who does nothing.
STUCK_DELIVERIES = """
INSERT INTO webhook_endpoint (id, provider, url, event_types, secret, created_by, state, failing_since)
    SELECT gen_random_uuid(), e.provider, 'https://' || s.state || '.example.it', e.event_types, e.secret,
        'test', s.state, s.since
    FROM (SELECT * FROM webhook_endpoint LIMIT 1) e,
        (VALUES ('active', now()), ('disabled', NULL)) s (state, since);
UPDATE webhook_delivery SET state = 'pending', finished_at = NULL,
    next_attempt_at = now() - interval '1 hour', leased_until = now() + interval '1 hour',
    endpoint_id = (SELECT id FROM webhook_endpoint WHERE created_by = 'test' AND state = 'active')
    WHERE id = (SELECT min(id::text)::uuid FROM webhook_delivery);
UPDATE email SET state = 'pending',
    next_attempt_at = now() - interval '1 hour', leased_until = now() + interval '1 hour'
    WHERE id = (SELECT min(id::text)::uuid FROM email)
"""
FREE_DELIVERIES = """
UPDATE webhook_delivery SET state = 'failed', next_attempt_at = NULL, leased_until = NULL
    WHERE state = 'pending';
UPDATE email SET state = 'sent', leased_until = NULL WHERE state = 'pending';
UPDATE webhook_endpoint SET state = 'deleted' WHERE created_by = 'test'
"""
# The sweeper passes over a row that somebody else is at.
KEEP_FROM_THE_SWEEPER = r"""
\set ON_ERROR_ROLLBACK on
SELECT id, state, version, delivered_at FROM booking
    WHERE state = 'delivered' AND voucher_id IS NOT NULL LIMIT 1 \gset
UPDATE booking SET state = 'held', version = 0, delivered_at = NULL, held_until = now() - interval '1 hour'
    WHERE id = :'id';
BEGIN;
SELECT FROM booking WHERE id = :'id' FOR UPDATE;
SELECT pg_sleep(300);
UPDATE booking SET state = :'state', version = :version, held_until = NULL, delivered_at = :'delivered_at'
    WHERE id = :'id';
COMMIT;
"""
LET_THE_SWEEPER = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
# An event once more, as `outbox again` has it: those who have had it do nothing.
PUBLISH_AGAIN = "UPDATE outbox SET published_at = NULL WHERE id = (SELECT max(id) FROM outbox)"


def do(postgres: Container, database: str, script: str, *, in_background: bool = False) -> None:
    """As PostgreSQL's superuser. AssertionError with what psql says."""
    command = f'psql -qX -v ON_ERROR_STOP=1 -U ambito_admin -d {database} <<< "$0"'
    if in_background:
        command = command.replace("ON_ERROR_STOP=1", "ON_ERROR_STOP=0")
    asked = ["bash", "-c", command, script]
    if in_background:
        postgres.exec_run(asked, detach=True)
    else:
        output(postgres, asked)
