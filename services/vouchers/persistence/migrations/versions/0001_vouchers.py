"""Budgets, plans, vouchers, holds and the ledger.

Revision ID: 0001
"""

from alembic import op

from services.chassis.messaging.tables import create_messaging_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TERRITORY = """
CREATE TABLE ambito (
    slug                 text PRIMARY KEY,
    maker_checker        boolean NOT NULL,
    change_notice_days   integer NOT NULL CHECK (change_notice_days >= 0),
    change_interval_days integer NOT NULL CHECK (change_interval_days >= 0)
);
-- One database, one territory.
CREATE UNIQUE INDEX ambito_is_one ON ambito ((true));

CREATE TABLE measure (
    slug              text PRIMARY KEY,
    name_it           text NOT NULL,
    name_en           text NOT NULL,
    fund              text NOT NULL,
    unit              text NOT NULL CHECK (unit IN ('minutes', 'cents')),
    sections          text[] NOT NULL,
    valid_from        date NOT NULL,
    valid_to          date CHECK (valid_to >= valid_from),
    incompatible_with text[] NOT NULL,
    rules             jsonb NOT NULL
);

-- Hot: changed by every issue. The constraint holds whatever a statement forgot to check.
CREATE TABLE budget (
    comune          text NOT NULL,
    fund            text NOT NULL,
    year            integer NOT NULL,
    allocated_cents bigint NOT NULL CHECK (allocated_cents >= 0),
    committed_cents bigint NOT NULL DEFAULT 0 CHECK (committed_cents >= 0),
    PRIMARY KEY (comune, fund, year),
    CONSTRAINT budget_not_overcommitted CHECK (committed_cents <= allocated_cents)
) WITH (fillfactor = 50);
"""

_COPIES = """
CREATE TABLE person (
    id       uuid PRIMARY KEY,
    comune   text NOT NULL,
    sequence bigint NOT NULL
);
CREATE TABLE provider (
    slug           text PRIMARY KEY,
    accreditations jsonb NOT NULL,
    sequence       bigint NOT NULL
);
CREATE TABLE service (
    slug             text PRIMARY KEY,
    section          text NOT NULL,
    duration_minutes integer NOT NULL CHECK (duration_minutes > 0),
    price_cents      integer NOT NULL CHECK (price_cents >= 0),
    measures         text[] NOT NULL,
    sequence         bigint NOT NULL
);
"""

_PLANS = """
CREATE TABLE plan (
    id           uuid PRIMARY KEY,
    person_id    uuid NOT NULL,
    comune       text NOT NULL,
    state        text NOT NULL CHECK (state IN ('draft', 'signed')),
    valid_from   date NOT NULL,
    valid_to     date NOT NULL CHECK (valid_to >= valid_from),
    goals_sealed text NOT NULL,
    written_by   text NOT NULL,
    written_at   timestamptz NOT NULL,
    signed_by    text,
    signed_with  text,
    signed_at    timestamptz,
    version      bigint NOT NULL,
    CHECK (
        (state = 'signed') = (signed_by IS NOT NULL AND signed_with IS NOT NULL AND signed_at IS NOT NULL)
    )
);
CREATE INDEX plan_of_person ON plan (person_id, id);

CREATE TABLE plan_line (
    id       uuid PRIMARY KEY,
    plan_id  uuid NOT NULL REFERENCES plan,
    position integer NOT NULL,
    measure  text NOT NULL REFERENCES measure,
    service  text NOT NULL,
    section  text NOT NULL,
    unit     text NOT NULL CHECK (unit IN ('minutes', 'cents')),
    quantity bigint NOT NULL CHECK (quantity > 0),
    issued   bigint NOT NULL DEFAULT 0,
    UNIQUE (plan_id, position),
    CONSTRAINT plan_line_not_overissued CHECK (issued BETWEEN 0 AND quantity)
);

CREATE FUNCTION plan_stays_as_signed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'signed' THEN
        RAISE EXCEPTION 'plan % is signed and does not change', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER plan_stays_as_signed BEFORE UPDATE ON plan
    FOR EACH ROW EXECUTE FUNCTION plan_stays_as_signed();

CREATE FUNCTION plan_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is kept', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER plan_is_kept BEFORE DELETE ON plan FOR EACH ROW EXECUTE FUNCTION plan_is_kept();
CREATE TRIGGER plan_is_kept BEFORE DELETE ON plan_line FOR EACH ROW EXECUTE FUNCTION plan_is_kept();

-- Of a line, only what was issued from it changes.
CREATE FUNCTION plan_line_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    OLD.issued := NEW.issued;
    IF NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'line % of a plan does not change', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER plan_line_stays BEFORE UPDATE ON plan_line FOR EACH ROW EXECUTE FUNCTION plan_line_stays();
"""

_VOUCHERS = """
-- Hot: changed by every hold, release and consumption. None of the columns they change is indexed, and pages
-- have room, so that PostgreSQL can keep the new version of a row on its page without touching an index.
CREATE TABLE voucher (
    id              uuid PRIMARY KEY,
    person_id       uuid NOT NULL,
    comune          text NOT NULL,
    plan_id         uuid NOT NULL REFERENCES plan,
    plan_line_id    uuid NOT NULL REFERENCES plan_line,
    measure         text NOT NULL REFERENCES measure,
    fund            text NOT NULL,
    budget_year     integer NOT NULL,
    service         text NOT NULL,
    section         text NOT NULL,
    unit            text NOT NULL CHECK (unit IN ('minutes', 'cents')),
    state           text NOT NULL CHECK (state IN ('issued', 'active', 'expired')),
    valid_from      date NOT NULL,
    valid_to        date NOT NULL CHECK (valid_to >= valid_from),
    issued          bigint NOT NULL CHECK (issued > 0),
    available       bigint NOT NULL CHECK (available >= 0),
    reserved        bigint NOT NULL CHECK (reserved >= 0),
    consumed        bigint NOT NULL CHECK (consumed >= 0),
    returned        bigint NOT NULL CHECK (returned >= 0),
    expired         bigint NOT NULL CHECK (expired >= 0),
    committed_cents bigint NOT NULL CHECK (committed_cents >= 0),
    assigned_from      date[] NOT NULL,
    assigned_providers text[] NOT NULL,
    entries         bigint NOT NULL,
    head_hash       text NOT NULL,
    issued_by       text NOT NULL,
    issued_at       timestamptz NOT NULL,
    version         bigint NOT NULL,
    FOREIGN KEY (comune, fund, budget_year) REFERENCES budget,
    -- One line, one period, one voucher: a second one would be the first sent twice.
    CONSTRAINT voucher_not_duplicated UNIQUE (plan_line_id, valid_from, valid_to),
    CONSTRAINT voucher_conserved CHECK (issued = available + reserved + consumed + returned + expired),
    CONSTRAINT voucher_within_fund_year
        CHECK (extract(year FROM valid_from) = budget_year
               AND extract(year FROM valid_to) = budget_year),
    CONSTRAINT voucher_assignments_paired
        CHECK (cardinality(assigned_from) = cardinality(assigned_providers)),
    CONSTRAINT voucher_active_when_assigned CHECK (state <> 'active' OR cardinality(assigned_from) > 0)
) WITH (fillfactor = 70);
CREATE INDEX voucher_of_person ON voucher (person_id, id);
CREATE INDEX voucher_of_comune ON voucher (comune, id);
CREATE INDEX voucher_of_budget ON voucher (comune, fund, budget_year);
CREATE INDEX voucher_to_expire ON voucher (valid_to) WHERE state <> 'expired';

CREATE TABLE assignment (
    id          uuid PRIMARY KEY,
    voucher_id  uuid NOT NULL REFERENCES voucher,
    provider    text NOT NULL,
    valid_from  date NOT NULL,
    valid_to    date,
    chosen_by   text NOT NULL,
    chosen_at   timestamptz NOT NULL,
    replaced_at timestamptz,
    -- Exactly one cooperative at a time. Choices that were replaced before they began stay as history.
    CONSTRAINT assignment_one_at_a_time EXCLUDE USING gist
        (voucher_id WITH =, daterange(valid_from, valid_to, '[]') WITH &&) WHERE (replaced_at IS NULL)
);

CREATE TABLE hold (
    booking_id   uuid PRIMARY KEY,
    voucher_id   uuid REFERENCES voucher,
    state        text NOT NULL CHECK (state IN ('open', 'released', 'consumed')),
    quantity     bigint CHECK (quantity > 0),
    amount_cents bigint CHECK (amount_cents >= 0),
    provider     text,
    service_date date,
    recorded_at  timestamptz NOT NULL,
    ended_at     timestamptz,
    -- Without a voucher it is a tombstone: the booking ended before its hold came, which is refused for ever.
    CONSTRAINT hold_or_tombstone CHECK (
        CASE WHEN voucher_id IS NULL THEN state = 'released' AND quantity IS NULL
        ELSE num_nulls(quantity, amount_cents, provider, service_date) = 0 END
    ),
    CHECK ((state = 'open') = (ended_at IS NULL))
);
CREATE INDEX hold_open ON hold (voucher_id) WHERE state = 'open';
"""

_LEDGER = """
CREATE TABLE ledger_entry (
    voucher_id   uuid NOT NULL REFERENCES voucher,
    sequence     bigint NOT NULL CHECK (sequence > 0),
    kind         text NOT NULL
                 CHECK (kind IN ('issue', 'reserve', 'release', 'consume', 'return', 'expire', 'adjust')),
    quantity     bigint NOT NULL CHECK (quantity > 0),
    amount_cents bigint NOT NULL CHECK (amount_cents >= 0),
    available    bigint NOT NULL CHECK (available >= 0),
    booking_id   uuid,
    provider     text,
    service_date date,
    recorded_at  timestamptz NOT NULL,
    hash         text NOT NULL CHECK (length(hash) = 64),
    PRIMARY KEY (voucher_id, sequence),
    CHECK (kind NOT IN ('reserve', 'release', 'consume')
           OR booking_id IS NOT NULL AND provider IS NOT NULL AND service_date IS NOT NULL)
);
CREATE INDEX ledger_consumed ON ledger_entry (provider, service_date) WHERE kind = 'consume';

CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only; a correction is a new entry'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();

-- What a voucher was issued for is written into its first hash. A statement that so much as names one of
-- these columns is wrong; one that moves the balance does not, and so does not pay for the trigger.
CREATE FUNCTION voucher_stays_as_issued() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a voucher stays what it was issued for' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER voucher_stays_as_issued
    BEFORE UPDATE OF id, person_id, comune, plan_id, plan_line_id, measure, fund, budget_year, service,
        section, unit, valid_from, valid_to, issued, issued_by, issued_at
    ON voucher FOR EACH STATEMENT EXECUTE FUNCTION voucher_stays_as_issued();
CREATE TRIGGER voucher_is_kept BEFORE DELETE OR TRUNCATE ON voucher
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
"""


def upgrade() -> None:
    """Create everything of version 1."""
    create_messaging_v1(op.get_bind())
    # Trusted: the database's owner may install it. It lets one constraint compare a voucher and its days.
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    for part in (_TERRITORY, _COPIES, _PLANS, _VOUCHERS, _LEDGER):
        op.execute(part)
