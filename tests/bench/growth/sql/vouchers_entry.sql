-- The next entry of every voucher, about its booking number `j`.
CREATE UNLOGGED TABLE bench.next AS
SELECT n.*, bench.hash(e.hash, n.voucher, n.sequence, n.kind, n.quantity, n.amount_cents, n.available, n.booking,
    n.provider, n.service_date, n.recorded_at, NULL) AS hash
FROM bench.entry e
JOIN bench.visit v ON v.file = e.file AND v.n >= %(j)s * %(files)s::bigint AND v.n < (%(j)s + 1) * %(files)s::bigint
CROSS JOIN LATERAL (SELECT e.file, e.voucher, e.sequence + 1 AS sequence, %(kind)s AS kind, %(minutes)s::bigint AS quantity,
    %(price_cents)s::bigint AS amount_cents, e.available + %(change)s AS available, v.booking, v.provider,
    v.service_date, CASE %(kind)s WHEN 'reserve' THEN v.created_at ELSE v.changed_at END AS recorded_at) n
ORDER BY v.n;
INSERT INTO ledger_entry
SELECT voucher, sequence, kind, quantity, amount_cents, available, booking, provider, service_date, recorded_at, hash
FROM bench.next;
DROP TABLE bench.entry;
ALTER TABLE bench.next RENAME TO entry;
