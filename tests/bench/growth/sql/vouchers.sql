-- Every second file has a plan with one line and one voucher, large enough for whatever is measured.
CREATE UNLOGGED TABLE bench.issue AS
SELECT v.file, v.voucher, bench.id(%(start)s, 7, v.file) AS plan, bench.id(%(start)s, 8, v.file) AS line, v.person,
    v.comune, v.provider
FROM bench.visit v WHERE v.voucher IS NOT NULL AND v.j = 0 ORDER BY v.file;
INSERT INTO plan
SELECT plan, person, comune, 'signed', make_date(%(year)s, 1, 1), make_date(%(year)s, 12, 31), repeat('s', 200), 'bench',
    %(start)s, 'beneficiary', 'paper', %(start)s, 2
FROM bench.issue ORDER BY file;
INSERT INTO plan_line
SELECT line, plan, 1, %(measure)s, %(service)s, %(section)s, 'minutes', %(quantity)s, %(quantity)s
FROM bench.issue ORDER BY file;
INSERT INTO assignment
SELECT bench.id(%(start)s, 9, file), voucher, provider, make_date(%(year)s, 1, 1), NULL, person::text, %(start)s, NULL
FROM bench.issue ORDER BY file;
INSERT INTO hold
SELECT v.booking, v.voucher,
    CASE v.state WHEN 'confirmed' THEN 'open' WHEN 'cancelled' THEN 'released' ELSE 'consumed' END,
    %(minutes)s, %(price_cents)s, v.provider, v.service_date, v.created_at,
    CASE WHEN v.state <> 'confirmed' THEN v.changed_at END
FROM bench.visit v WHERE v.voucher IS NOT NULL ORDER BY v.n;
INSERT INTO inbox
SELECT 'vouchers.bookings', e.id, e.occurred_at FROM bench.event e
WHERE e.verb IN ('cancelled', 'delivered')
    AND e.occurred_at > %(now)s::timestamptz - make_interval(days => %(inbox_days)s);
CREATE INDEX ON bench.visit USING brin (n);
-- As chain.py and domain/ledger.py define it; `verify-ledger` says whether it still is so.
CREATE FUNCTION bench.hash(
    previous text, voucher uuid, sequence bigint, kind text, quantity bigint, amount_cents bigint, available bigint,
    booking uuid, provider text, service_date date, recorded_at timestamptz, terms text
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(previous || concat_ws('|', '1', voucher, sequence, kind, quantity, amount_cents,
        available, coalesce(booking::text, ''), coalesce(provider, ''), coalesce(to_char(service_date, 'YYYY-MM-DD'), ''),
        to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), terms), 'UTF8')), 'hex')
$$;
-- The last entry of each voucher: first its issue.
CREATE UNLOGGED TABLE bench.entry AS
SELECT file, voucher, 1::bigint AS sequence, 'issue' AS kind, %(quantity)s::bigint AS quantity,
    %(committed_cents)s::bigint AS amount_cents, %(quantity)s::bigint AS available, NULL::uuid AS booking,
    NULL AS provider, NULL::date AS service_date, %(start)s::timestamptz AS recorded_at,
    bench.hash('', voucher, 1, 'issue', %(quantity)s, %(committed_cents)s, %(quantity)s, NULL, NULL, NULL, %(start)s,
        concat_ws('|', person, comune, plan, line, %(measure)s, %(fund)s, %(year)s, %(service)s, %(section)s, 'minutes',
            make_date(%(year)s, 1, 1), make_date(%(year)s, 12, 31), 'bench')) AS hash
FROM bench.issue ORDER BY file;
INSERT INTO ledger_entry
SELECT voucher, sequence, kind, quantity, amount_cents, available, booking, provider, service_date, recorded_at, hash
FROM bench.entry;
