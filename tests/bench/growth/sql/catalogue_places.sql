-- New districts, citizens and slots in catalogue.
-- The offerings of the service in the territory itself, whose cooperatives are accredited the whole time ahead.
CREATE TABLE IF NOT EXISTS bench.original AS
SELECT o.* FROM offering o JOIN service s ON s.slug = o.service
WHERE o.service = %(service)s AND o.active AND EXISTS (
    SELECT FROM accreditation a WHERE a.provider = o.provider AND a.section = s.section AND a.state = 'accredited'
        AND %(now)s::timestamptz::date BETWEEN a.valid_from AND a.valid_to - 31);
INSERT INTO bench.comune
SELECT d, code, CASE d WHEN 0 THEN code
    ELSE 'Z' || lpad((d * 10 + row_number() OVER (PARTITION BY d ORDER BY code))::text, 3, '0') END
FROM comune, generate_series(%(first_district)s::bigint, %(districts)s - 1) d WHERE left(code, 1) <> 'Z';

INSERT INTO comune (code, istat, name, cap, patron_month, patron_day)
SELECT b.code, bench.name(c.istat, b.district), bench.name(c.name, b.district), c.cap, c.patron_month, c.patron_day
FROM bench.comune b JOIN comune c ON c.code = b.original WHERE b.district > 0 AND b.district >= %(first_district)s;
INSERT INTO provider
SELECT bench.name(slug, d), bench.name(name, d), description_it, description_en, email, phone, active, version
FROM provider, generate_series(greatest(1, %(first_district)s), %(districts)s - 1) d
WHERE slug IN (SELECT provider FROM bench.original);
INSERT INTO accreditation
SELECT bench.name(provider, d), section, valid_from, valid_to, state, reason, decided_by, decided_at
FROM accreditation, generate_series(greatest(1, %(first_district)s), %(districts)s - 1) d
WHERE provider IN (SELECT provider FROM bench.original);
INSERT INTO offering
SELECT bench.name(id, d), service, bench.name(provider, d),
    ARRAY(SELECT code FROM bench.comune WHERE district = d AND original = ANY (comuni)), price_cents, NULL, active
FROM bench.original, generate_series(greatest(1, %(first_district)s), %(districts)s - 1) d;
INSERT INTO availability_rule
SELECT bench.name(offering_id, d), weekdays, opens, closes, slot_minutes, capacity, on_holidays, valid_from, valid_to
FROM availability_rule, generate_series(greatest(1, %(first_district)s), %(districts)s - 1) d
WHERE offering_id IN (SELECT id FROM bench.original);
INSERT INTO slot
SELECT bench.id(starts_at, 2, hashtextextended(bench.name(offering_id, d), 0) & 576460752303423487),
    bench.name(offering_id, d), starts_at, ends_at, service_date, zone, capacity, 0, false,
    ARRAY(SELECT code FROM bench.comune WHERE district = d AND original = ANY (closed_comuni))
FROM slot, generate_series(greatest(1, %(first_district)s), %(districts)s - 1) d
WHERE offering_id IN (SELECT id FROM bench.original) AND starts_at > %(now)s AND NOT withdrawn;

INSERT INTO bench.home
SELECT (SELECT count(*) FROM bench.home) + row_number() OVER (ORDER BY d, o.id, c.code) - 1, d, c.code,
    bench.name(o.provider, d), bench.name(o.id, d)
FROM bench.original o, generate_series(%(first_district)s::bigint, %(districts)s - 1) d
JOIN bench.comune c ON c.district = d WHERE c.original = ANY (o.comuni);
INSERT INTO bench.slot
SELECT DISTINCT h.district, h.offering, true, dense_rank() OVER (PARTITION BY h.offering ORDER BY s.starts_at) - 1,
    s.id, s.starts_at, s.ends_at, s.service_date, bench.hours(s.starts_at, s.ends_at)
FROM bench.home h JOIN slot s ON s.offering_id = h.offering
WHERE h.district >= %(first_district)s AND NOT s.withdrawn AND s.closed_comuni = '{}'
    AND s.starts_at BETWEEN %(now)s::timestamptz + interval '1 day' AND %(now)s::timestamptz + interval '30 days'
    AND extract(year FROM s.service_date) = %(year)s;
INSERT INTO bench.slot
SELECT h.district, h.offering, false, i,
    bench.id(t.starts_at, 2, hashtextextended(h.offering, 0) & 576460752303423487),
    t.starts_at, t.starts_at + interval '1 hour', (t.starts_at AT TIME ZONE 'Europe/Rome')::date,
    bench.hours(t.starts_at, t.starts_at + interval '1 hour')
FROM (SELECT DISTINCT district, offering FROM bench.home WHERE district >= %(first_district)s) h,
    generate_series(0, 8 * %(days)s - 1) i,
    LATERAL (SELECT %(start)s::timestamptz + make_interval(days => i / 8, hours => 8 + mod(i, 8)) AS starts_at) t;
INSERT INTO slot
SELECT id, offering, starts_at, ends_at, service_date, 'Europe/Rome', %(seats)s, 0, false, '{}'
FROM bench.slot WHERE NOT ahead AND district >= %(first_district)s;
