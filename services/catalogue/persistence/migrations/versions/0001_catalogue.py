"""Catalogue, slots and bookings.

Revision ID: 0001
Revises:
"""

from alembic import op

from services.chassis.messaging.tables import create_messaging_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# All three are trusted: the owner of the database may create them.
EXTENSIONS = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS btree_gist;
"""

# Accents are taken away before words are stemmed, in texts and in searches alike.
TEXT_SEARCH = """
CREATE TEXT SEARCH CONFIGURATION catalogue_it (COPY = italian);
ALTER TEXT SEARCH CONFIGURATION catalogue_it
    ALTER MAPPING FOR hword, hword_part, word WITH unaccent, italian_stem;
CREATE TEXT SEARCH CONFIGURATION catalogue_en (COPY = english);
ALTER TEXT SEARCH CONFIGURATION catalogue_en
    ALTER MAPPING FOR hword, hword_part, word WITH unaccent, english_stem;
"""

TERRITORY = """
CREATE TABLE ambito (
    id                                 smallint PRIMARY KEY CHECK (id = 1),  -- one ambito per database
    slug                               text NOT NULL,
    zone                               text NOT NULL,                        -- IANA
    hold_seconds                       integer NOT NULL CHECK (hold_seconds > 0),
    slot_horizon_days                  integer NOT NULL CHECK (slot_horizon_days > 0),
    cancellation_notice_hours          integer NOT NULL CHECK (cancellation_notice_hours >= 0),
    cancellation_notice_skips_holidays boolean NOT NULL
);
CREATE TABLE comune (
    code         text PRIMARY KEY CHECK (code ~ '^[A-Z][0-9]{3}$'),          -- Belfiore
    istat        text NOT NULL UNIQUE,
    name         text NOT NULL,
    cap          text NOT NULL,
    patron_month smallint NOT NULL CHECK (patron_month BETWEEN 1 AND 12),
    patron_day   smallint NOT NULL CHECK (patron_day BETWEEN 1 AND 31)
);
CREATE TABLE social_point (
    slug          text PRIMARY KEY,
    name          text NOT NULL,
    comune        text NOT NULL REFERENCES comune,
    address       text NOT NULL,
    phone         text NOT NULL,
    opening_hours text NOT NULL
);
CREATE TABLE closure (
    first_day    date NOT NULL,
    last_day     date NOT NULL,
    comune       text REFERENCES comune,
    provider     text,
    social_point text REFERENCES social_point,
    CHECK (first_day <= last_day),
    CHECK (num_nonnulls(comune, provider, social_point) <= 1)                 -- none: everywhere
);
-- Sections of the register of accredited cooperatives (Albo).
CREATE TABLE section (
    slug    text PRIMARY KEY,
    name_it text NOT NULL,
    name_en text NOT NULL
);
CREATE TABLE category (
    slug    text PRIMARY KEY,
    name_it text NOT NULL,
    name_en text NOT NULL
);
"""

CATALOGUE = """
CREATE TABLE provider (
    slug           text PRIMARY KEY,
    name           text NOT NULL,
    description_it text NOT NULL,
    description_en text NOT NULL,
    email          text NOT NULL,
    phone          text NOT NULL,
    active         boolean NOT NULL,
    version        bigint NOT NULL CHECK (version >= 1)                       -- events published
);
CREATE TABLE accreditation (
    provider   text NOT NULL REFERENCES provider,
    section    text NOT NULL REFERENCES section,
    valid_from date NOT NULL,
    valid_to   date NOT NULL,                                                -- inclusive
    state      text NOT NULL CHECK (state IN ('accredited', 'suspended', 'revoked', 'expired')),
    reason     text,
    decided_by text,  -- null: as the territory was loaded
    decided_at timestamptz,
    PRIMARY KEY (provider, section, valid_from),
    CHECK (valid_from <= valid_to),
    EXCLUDE USING gist (provider WITH =, section WITH =, daterange(valid_from, valid_to, '[]') WITH &&)
);
CREATE TABLE service (
    slug             text PRIMARY KEY,
    category         text NOT NULL REFERENCES category,
    section          text NOT NULL,                                          -- empty: needs no accreditation
    kind             text NOT NULL CHECK (kind IN ('public', 'accredited', 'private')),
    name_it          text NOT NULL,
    name_en          text NOT NULL,
    description_it   text NOT NULL,
    description_en   text NOT NULL,
    target_it        text NOT NULL,
    target_en        text NOT NULL,
    duration_minutes integer NOT NULL CHECK (duration_minutes > 0),
    price_cents      integer NOT NULL CHECK (price_cents >= 0),              -- per visit
    measures         text[] NOT NULL,
    keywords         text NOT NULL,  -- names of category and cooperatives
    active           boolean NOT NULL,
    version          bigint NOT NULL CHECK (version >= 1),
    search           tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('catalogue_it', name_it), 'A')
        || setweight(to_tsvector('catalogue_en', name_en), 'A')
        || setweight(to_tsvector('catalogue_it', keywords), 'B')
        || setweight(to_tsvector('catalogue_en', keywords), 'B')
        || setweight(to_tsvector('catalogue_it', description_it || ' ' || target_it), 'C')
        || setweight(to_tsvector('catalogue_en', description_en || ' ' || target_en), 'C')
    ) STORED,
    CHECK ((kind = 'accredited') = (section <> ''))
);
CREATE INDEX service_search ON service USING gin (search);
CREATE TABLE offering (
    id           text PRIMARY KEY,
    service      text NOT NULL REFERENCES service,
    provider     text NOT NULL REFERENCES provider,
    comuni       text[] NOT NULL CHECK (cardinality(comuni) > 0),
    price_cents  integer CHECK (price_cents >= 0),  -- per visit; null: the service's price
    social_point text REFERENCES social_point,
    active       boolean NOT NULL
);
CREATE INDEX offering_service ON offering (service);
CREATE INDEX offering_provider ON offering (provider);
CREATE TABLE availability_rule (
    offering_id  text NOT NULL REFERENCES offering ON DELETE CASCADE,
    weekdays     smallint[] NOT NULL CHECK (cardinality(weekdays) > 0),      -- ISO: 1 is Monday
    opens        time NOT NULL,                                              -- wall time in the ambito's zone
    closes       time NOT NULL,  -- not after opens: on the next day
    slot_minutes integer NOT NULL CHECK (slot_minutes > 0),
    capacity     integer NOT NULL CHECK (capacity > 0),
    on_holidays  boolean NOT NULL,
    valid_from   date NOT NULL,
    valid_to     date
);
CREATE INDEX availability_rule_offering ON availability_rule (offering_id);
-- All words of the texts that can be searched, without accents: what a misspelt word is compared with.
CREATE TABLE search_word (word text PRIMARY KEY);
CREATE INDEX search_word_trigrams ON search_word USING gin (word gin_trgm_ops);
-- The seed of the order in which a service's cooperatives were shown from `period` on, for one hour.
CREATE TABLE display_seed (
    service text NOT NULL,
    period  timestamptz NOT NULL,
    seed    text NOT NULL,
    PRIMARY KEY (service, period)
);
"""

BOOKINGS = """
CREATE TABLE slot (
    id            uuid PRIMARY KEY,
    offering_id   text NOT NULL REFERENCES offering,
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL,
    service_date  date NOT NULL,                                             -- local day of starts_at
    zone          text NOT NULL,                                             -- IANA, of service_date
    capacity      integer NOT NULL,
    taken         integer NOT NULL DEFAULT 0,
    withdrawn     boolean NOT NULL DEFAULT false,                            -- visits stay, no new ones
    closed_comuni text[] NOT NULL,  -- of the offering's, not served that day
    UNIQUE (offering_id, starts_at),
    CHECK (starts_at < ends_at),
    CHECK (capacity > 0),
    CONSTRAINT slot_seats CHECK (taken BETWEEN 0 AND capacity),
    CONSTRAINT slot_overlap EXCLUDE USING gist (offering_id WITH =, tstzrange(starts_at, ends_at) WITH &&)
        WHERE (NOT withdrawn)
) WITH (fillfactor = 70);  -- `taken` changes often and is in no index: room for updates in place
CREATE TABLE person (
    id       uuid PRIMARY KEY,
    comune   text NOT NULL,
    sequence bigint NOT NULL  -- of the newest event of identity
);
CREATE TABLE booking (
    id           uuid PRIMARY KEY,
    state        text NOT NULL,
    version      bigint NOT NULL,                                            -- events emitted
    person_id    uuid NOT NULL,
    comune       text NOT NULL,                                              -- of the person, when booked
    slot_id      uuid NOT NULL REFERENCES slot,
    service      text NOT NULL,
    provider     text NOT NULL,
    voucher_id   uuid,
    minutes      integer NOT NULL CHECK (minutes > 0),
    price_cents  integer NOT NULL CHECK (price_cents >= 0),
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    service_date date NOT NULL,
    zone         text NOT NULL,
    held_until   timestamptz,
    reason       text,
    refusal      jsonb,
    cancelled_by text CHECK (cancelled_by IN ('citizen', 'provider', 'service')),
    delivered_at timestamptz,
    wrong_codes  smallint NOT NULL CHECK (wrong_codes BETWEEN 0 AND 5),
    booked_by    text NOT NULL,                                              -- subject of the token
    created_at   timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL,
    changed_by   text NOT NULL,
    CHECK (starts_at < ends_at),
    CONSTRAINT booking_state CHECK (CASE state
        WHEN 'held'      THEN version = 0 AND voucher_id IS NOT NULL
        WHEN 'confirmed' THEN version = 1
        WHEN 'refused'   THEN version = 1 AND voucher_id IS NOT NULL
        WHEN 'lapsed'    THEN version = 1 AND voucher_id IS NOT NULL
        WHEN 'cancelled' THEN version = 2
        WHEN 'delivered' THEN version = 2
        ELSE false END),
    CHECK ((state = 'held') = (held_until IS NOT NULL)),
    CHECK ((state = 'refused') = (refusal IS NOT NULL)),
    CHECK ((state = 'cancelled') = (cancelled_by IS NOT NULL)),
    CHECK ((state = 'delivered') = (delivered_at IS NOT NULL))
) WITH (fillfactor = 85);
CREATE INDEX booking_person ON booking (person_id, starts_at DESC, id DESC);
CREATE INDEX booking_provider ON booking (provider, starts_at DESC, id DESC);
CREATE INDEX booking_slot ON booking (slot_id);
CREATE INDEX booking_overdue ON booking (held_until) WHERE state = 'held';
"""


def upgrade() -> None:
    """Make everything; a later change is a later migration."""
    for statements in (EXTENSIONS, TEXT_SEARCH, TERRITORY, CATALOGUE, BOOKINGS):
        op.execute(statements)
    create_messaging_v1(op.get_bind())
