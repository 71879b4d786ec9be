-- What a step's events left: inboxes and the feed whole, e-mails and the list of events handled for as long as kept.
INSERT INTO message (id, event_id, reader_id, about_id, notice, facts, created_at, read_at)
SELECT bench.id(e.occurred_at, 10, 10 * %(first_file)s::bigint + e.n), e.id, e.person, e.person, 'booking-' || e.verb,
    e.facts::jsonb,
    e.occurred_at, CASE WHEN mod(e.n, 2) = 0 THEN e.occurred_at END
FROM bench.event e;
INSERT INTO feed_event (event_id, provider, type, source, subject, sequence, occurred_at, data, received_at)
SELECT e.id, e.provider, 'ambito.catalogue.booking.' || e.verb || '.v1', 'ambito/catalogue', e.booking::text, e.sequence,
    e.occurred_at, e.data, e.occurred_at
FROM bench.event e;
INSERT INTO email (id, event_id, household_id, reader_id, about_id, notice, facts, state, attempts, next_attempt_at,
    created_at, finished_at)
SELECT bench.id(e.occurred_at, 11, 10 * %(first_file)s::bigint + e.n), e.id, e.person, e.person, e.person,
    'booking-' || e.verb,
    e.facts::jsonb,
    'sent', 1, e.occurred_at, e.occurred_at, e.occurred_at
FROM bench.event e
WHERE e.has_email AND e.occurred_at > %(now)s::timestamptz - make_interval(days => %(email_days)s);
INSERT INTO inbox
SELECT consumer, e.id, e.occurred_at
FROM (VALUES ('notifications.bookings'), ('notifications.feed')) c(consumer), bench.event e
WHERE e.occurred_at > %(now)s::timestamptz - make_interval(days => %(inbox_days)s);
