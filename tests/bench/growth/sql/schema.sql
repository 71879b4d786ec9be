-- What the bench needs beside the service's own tables, in each of the databases.
CREATE SCHEMA bench;
-- A UUIDv7 of that instant: ids grow with time, as the services' do.
CREATE FUNCTION bench.id(at timestamptz, kind integer, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(
        int8send(((date_part('epoch', at) * 1000)::bigint << 16) | 28672 | kind)  -- 0x7000: version 7
        || int8send(number | (-9223372036854775807 - 1)), 'hex')::uuid
$$;
-- A number below `below`, for each `number` and `salt` always the same one.
CREATE FUNCTION bench.draw(number bigint, salt integer, below bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT mod(hashint8extended(number, salt) & 9223372036854775807, below)
$$;
CREATE FUNCTION bench.utc(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;
CREATE FUNCTION bench.hours(starts_at timestamptz, ends_at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT ', "ends_at": "' || bench.utc(ends_at) || '", "starts_at": "' || bench.utc(starts_at) || '"'
$$;
-- A name in a district; district 0 is the territory itself, the others are made in its likeness.
CREATE FUNCTION bench.name(original text, district bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE district WHEN 0 THEN original ELSE original || '-' || district END
$$;
CREATE TABLE bench.comune (district bigint, original text, code text NOT NULL, PRIMARY KEY (district, original));
-- Where a citizen can live, and by whom and how she is cared for there.
CREATE TABLE bench.home (
    k bigint PRIMARY KEY, district bigint NOT NULL, comune text NOT NULL, provider text NOT NULL, offering text NOT NULL
);
CREATE TABLE bench.citizen (
    p bigint PRIMARY KEY, id uuid NOT NULL, comune text NOT NULL, provider text NOT NULL, offering text NOT NULL
);
-- Slots by number: of the past, and ahead.
CREATE TABLE bench.slot (
    district bigint NOT NULL, offering text, ahead boolean, i bigint, id uuid NOT NULL, starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL, service_date date NOT NULL,
    hours text NOT NULL,  -- as an event tells them
    PRIMARY KEY (offering, ahead, i)
);
