-- The bookings of a step, the same in every database. A file is one citizen's ten bookings: the first nine
-- are past, of them one cancelled and the others delivered; the tenth is ahead. A voucher pays for every second file.
-- Files progress together, so that a citizen's rows lie as far apart in the tables as in life.
CREATE UNLOGGED TABLE bench.visit AS
WITH numbered AS (
    SELECT n, n / %(files)s::bigint AS j, %(first_file)s::bigint + mod(n, %(files)s::bigint) AS file,
        %(start)s::timestamptz
            + (%(now)s::timestamptz - %(start)s::timestamptz) * (n::float / (10 * %(files)s::bigint)) AS created_at
    FROM generate_series(0, 10 * %(files)s::bigint - 1) AS n
    OFFSET 0  -- computed once, not wherever it is read
), ahead AS (
    SELECT offering, count(*) AS slots FROM bench.slot WHERE ahead GROUP BY offering
)
SELECT v.n, v.j, v.file, bench.id(v.created_at, 3, 10 * %(first_file)s::bigint + v.n) AS booking, v.created_at,
    CASE WHEN mod(v.file, 2) = 0
        THEN bench.id(%(start)s::timestamptz + v.file * interval '1 millisecond', 6, v.file) END AS voucher,
    CASE v.j WHEN 9 THEN 'confirmed' WHEN 4 THEN 'cancelled' ELSE 'delivered' END AS state,
    CASE v.j WHEN 9 THEN v.created_at WHEN 4 THEN v.created_at + interval '1 hour' ELSE s.ends_at END AS changed_at,
    c.id AS person, mod(c.p, 2) = 0 AS has_email, c.comune, c.provider,
    s.id AS slot, s.starts_at, s.ends_at, s.service_date, s.hours,
    bench.id(v.created_at, 4, 10 * %(first_file)s::bigint + v.n) AS confirmed,
    bench.id(CASE v.j WHEN 4 THEN v.created_at + interval '1 hour' ELSE s.ends_at END, 5,
        10 * %(first_file)s::bigint + v.n) AS ended
FROM numbered v
JOIN bench.citizen c ON c.p = bench.draw(v.file, 1, %(citizens)s)
JOIN ahead a ON a.offering = c.offering
JOIN bench.slot s ON s.offering = c.offering AND s.ahead = (v.j = 9) AND s.i = CASE v.j
    WHEN 9 THEN bench.draw(10 * %(first_file)s::bigint + v.n, 2, a.slots)
    ELSE (date_part('day', v.created_at - %(start)s::timestamptz)::bigint + 1
            + bench.draw(10 * %(first_file)s::bigint + v.n, 3, 27)) * 8
        + bench.draw(10 * %(first_file)s::bigint + v.n, 4, 8)
    END;
-- Their public events, as catalogue publishes them, and what the citizen is told of each.
CREATE VIEW bench.event AS
SELECT e.*, '{"comune": "' || comune || '", "provider": "' || provider || '", "person_id": "' || person
    || '", "booking_id": "' || booking || '"' || hours || ', "with_voucher": ' || (voucher IS NOT NULL) || more || '}' AS data,
    '{"reference": "' || booking || '", "provider": "' || provider || '"' || hours || '}' AS facts
FROM (
    SELECT confirmed AS id, v.*, 1 AS sequence, 'confirmed' AS verb, created_at AS occurred_at, '' AS more
    FROM bench.visit v
    UNION ALL
    SELECT ended, v.*, 2, state, changed_at, CASE state WHEN 'cancelled' THEN ', "cancelled_by": "citizen"'
        ELSE ', "delivered_at": "' || bench.utc(changed_at) || '"' END
    FROM bench.visit v WHERE j < 9
) e;
