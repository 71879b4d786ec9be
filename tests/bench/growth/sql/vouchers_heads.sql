-- The vouchers as their entries left them: eight visits consumed, one given back, one reserved.
INSERT INTO voucher
SELECT i.voucher, i.person, i.comune, i.plan, i.line, %(measure)s, %(fund)s, %(year)s, %(service)s, %(section)s, 'minutes',
    'active', make_date(%(year)s, 1, 1), make_date(%(year)s, 12, 31), %(quantity)s, e.available, %(minutes)s,
    8 * %(minutes)s, 0, 0, %(committed_cents)s, ARRAY[make_date(%(year)s, 1, 1)], ARRAY[i.provider], e.sequence, e.hash,
    'bench', %(start)s, 2, 8 * %(price_cents)s
FROM bench.issue i JOIN bench.entry e ON e.file = i.file ORDER BY i.file;
UPDATE budget SET committed_cents = committed_cents + i.vouchers * %(committed_cents)s
FROM (SELECT comune, count(*) AS vouchers FROM bench.issue GROUP BY comune) i
WHERE budget.comune = i.comune AND fund = %(fund)s AND year = %(year)s;
DROP TABLE bench.entry, bench.issue;
DROP FUNCTION bench.hash;
