-- The bookings of a step, and what retention leaves of the rows that came with them.
INSERT INTO booking (id, state, version, person_id, comune, slot_id, service, provider, voucher_id, minutes, price_cents,
    starts_at, ends_at, service_date, zone, cancelled_by, delivered_at, wrong_codes, booked_by, created_at, changed_at,
    changed_by)
SELECT v.booking, v.state, CASE v.state WHEN 'confirmed' THEN 1 ELSE 2 END, v.person, v.comune, v.slot, s.slug,
    v.provider, v.voucher, s.duration_minutes, s.price_cents,
    v.starts_at, v.ends_at, v.service_date, 'Europe/Rome', CASE v.state WHEN 'cancelled' THEN 'citizen' END,
    CASE v.state WHEN 'delivered' THEN v.changed_at END, 0, v.person::text, v.created_at, v.changed_at, v.person::text
FROM bench.visit v, service s WHERE s.slug = %(service)s ORDER BY v.n;
UPDATE slot SET taken = taken + v.seats
FROM (SELECT slot, count(*) AS seats FROM bench.visit WHERE state <> 'cancelled' GROUP BY slot) v WHERE slot.id = v.slot;
INSERT INTO outbox (event_id, source, type, subject, sequence, occurred_at, routing_key, public, traceparent, data,
    created_at, published_at, next_attempt_at)
SELECT e.id, 'ambito/catalogue', 'ambito.catalogue.booking.' || e.verb || '.v1', e.booking::text, e.sequence,
    e.occurred_at, 'booking.' || e.verb || '.' || e.comune || '.' || e.provider, true,
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', convert_to(e.data, 'UTF8'), e.occurred_at,
    e.occurred_at, e.occurred_at
FROM bench.event e WHERE e.occurred_at > %(now)s::timestamptz - make_interval(days => %(outbox_days)s)
ORDER BY e.occurred_at;
INSERT INTO idempotency (actor, key, operation, request_hash, response, created_at)
SELECT v.person::text, v.booking::text, 'BookSlot', sha256(v.booking::text::bytea), uuid_send(v.booking), v.created_at
FROM bench.visit v WHERE v.created_at > %(now)s::timestamptz - make_interval(days => %(idempotency_days)s)
ORDER BY v.n;
