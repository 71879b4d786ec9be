"""What people get wrong in a territory's files: replacements in `valle/`, and what is then said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mistake:
    """A replacement in one file, and the beginning of what is then said."""

    file: str
    old: str
    new: str
    reason: str
    at: str = ""
    """Text that begins on the reported line, if that is not the line of the replacement."""

    def make(self, folder: Path) -> str:
        """Make the mistake; how its report begins."""
        path = folder / self.file
        text = path.read_text(encoding="utf-8")
        assert self.old in text
        start = text.index(self.old)
        changed = text.replace(self.old, self.new, 1)
        path.write_text(changed, encoding="utf-8")
        if self.at:
            start = changed.index(self.at)
        return f"{self.file}:{changed.count(chr(10), 0, start) + 1}: {self.reason}"


IN_ONE_ENTRY = [
    Mistake(
        "ambito.yaml",
        "zone: Europe/Rome",
        "zone: Europe/Tradate",
        "zone: 'Europe/Tradate' is not an IANA time zone",
    ),
    Mistake(
        "ambito.yaml",
        "hold_seconds: 60",
        "hold_seconds: 5",
        "rules.booking.hold_seconds: Input should be greater",
    ),
    Mistake(
        "ambito.yaml",
        "hold_seconds: 60",
        'hold_seconds: "60"',
        "rules.booking.hold_seconds: Input should be a valid int",
    ),
    Mistake(
        "ambito.yaml", "hold_seconds: 60", "hold_minutes: 60", "rules.booking.hold_minutes: unknown field"
    ),
    Mistake("ambito.yaml", "slug: valle", "slug: La Valle", "slug: String should match pattern"),
    Mistake(
        "ambito.yaml", 'phone: "+390000000000"', "phone: 3331234567", "phone: Input should be a valid string"
    ),
    Mistake("comuni.yaml", "belfiore: A001", "belfiore: a001", "[1].belfiore: String should match pattern"),
    Mistake("comuni.yaml", 'istat: "099002"', "istat: 99002", "[2].istat: Input should be a valid string"),
    Mistake("comuni.yaml", "residents: 100", "residents: 0", "[2].residents: Input should be greater than 0"),
    Mistake(
        "comuni.yaml", "residents: 100", "residents: 100.5", "[2].residents: Input should be a valid integer"
    ),
    Mistake("comuni.yaml", "day: 10-01", "day: 02-29", "[1].patron.day: 02-29 is not a day of every year"),
    Mistake("comuni.yaml", "day: 10-01", "day: 1 October", "[1].patron.day: a yearly day is written MM-DD"),
    Mistake(
        "comuni.yaml", "verify: true", "verify: no", "[2].patron.verify: Input should be a valid boolean"
    ),
    Mistake(
        "social_points.yaml",
        'from: "09:00", to: "12:00"',
        'from: "12:00", to: "09:00"',
        "[1].opening_hours[1]: the window ends at 09:00, not after it begins at 12:00",
    ),
    Mistake(
        "social_points.yaml",
        'from: "09:00"',
        'from: "09:00:30"',
        "[1].opening_hours[1].from: a local wall time is written HH:MM, without seconds or zone",
    ),
    Mistake(
        "social_points.yaml",
        "weekdays: [monday]",
        "weekdays: [lunedì]",
        "[1].opening_hours[1].weekdays[1]: Input should be",
    ),
    Mistake(
        "social_points.yaml",
        "weekdays: [monday]",
        "weekdays: [monday, monday]",
        "[1].opening_hours[1]: a weekday is listed twice",
    ),
    Mistake(
        "closures.yaml",
        "last_day: 2026-09-01",
        "last_day: 2026-08-31",
        "[2]: last_day 2026-08-31 is before first_day 2026-09-01",
        at="first_day: 2026-09-01",
    ),
    Mistake(
        "measures.yaml", "unit: minutes", "unit: hours", "[1].unit: Input should be 'minutes' or 'cents'"
    ),
    Mistake(
        "measures.yaml",
        "valid_to: 2026-12-31",
        "valid_to: 2026-02-30",
        "[2].valid_to: Input should be a valid date",
    ),
    Mistake(
        "measures.yaml",
        "beneficiaries: minors",
        "beneficiaries: everyone",
        "[1]: the caps overlap: either everyone, or adults and minors once each",
        at="slug: buono",
    ),
    Mistake(
        "isee_bands.yaml",
        "percent: 100}",
        "percent: 101}",
        "[1].percentage.bands[2].percent: Input should be less",
    ),
    Mistake(
        "isee_bands.yaml",
        "kind: percentage",
        "kind: step",
        "[1]: Input tag 'step' found using 'kind' does not match any of the expected tags",
        at="comune: A001",
    ),
    Mistake(
        "isee_bands.yaml",
        "to_cents: 1800}",
        "to_cents: 100}",
        "[2].hourly.bands[2]: the share falls within the band",
    ),
    Mistake(
        "providers.yaml",
        'vat_number: "12345670124"',
        'vat_number: "12345670125"',
        "[1].vat_number: the check digit of the VAT number does not match",
    ),
    Mistake(
        "providers.yaml",
        'vat_number: "12345670124"',
        'vat_number: "1234567012"',
        "[1].vat_number: a VAT number has 11 digits",
    ),
    Mistake(
        "providers.yaml", "status: expired", "status: paused", "[1].accreditations[1].status: Input should be"
    ),
    Mistake(
        "services.yaml", "price_cents: 2000", "price_cents: -1", "[1].price_cents: Input should be greater"
    ),
    Mistake(
        "services.yaml",
        "[buono, contributo]",
        "[buono, buono]",
        "[1]: a measure is listed twice",
        at="slug: aiuto",
    ),
    Mistake(
        "offerings.yaml",
        "slot_minutes: 60",
        "slot_minutes: 70",
        "[1].availability[1]: a window of 240 minutes is not a whole number of slots of 70",
        at="slot_minutes: 70",
    ),
    Mistake(
        "offerings.yaml",
        "capacity: 2",
        "capacity: 0",
        "[1].availability[1].capacity: Input should be greater than 0",
    ),
    Mistake("staff.yaml", "login: op.alta", "login: Op Alta", "[1].login: String should match pattern"),
    Mistake(
        "api_clients.yaml",
        "contact_email: it@quercia.example.it",
        "contact_email: it@quercia",
        "[1].contact_email: String should match pattern",
    ),
    Mistake(
        "closures.yaml",
        "    social_point: alta\n",
        "    social_point: alta\n    comune: A001\n",
        "[1]: name at most one of comune, provider and social_point",
        at="first_day: 2026-08-10",
    ),
    Mistake(
        "measures.yaml",
        "    hourly_tariff_cents: 2000\n",
        "",
        "[1]: hourly_tariff_cents belongs to measures in minutes, and only to them",
        at="slug: buono",
    ),
    Mistake(
        "measures.yaml",
        "valid_to: 2026-12-31",
        "valid_to: 2025-12-31",
        "[2]: valid_to 2025-12-31 is before valid_from 2026-01-01",
        at="slug: contributo",
    ),
    Mistake(
        "measures.yaml",
        "isee_kind: ordinario, ",
        "",
        "[1].caps[1]: an ISEE ceiling names its isee_kind",
        at="beneficiaries: adults",
    ),
    Mistake("measures.yaml", "    rules:\n", "    regole:\n", "[1].regole: unknown field", at="regole:"),
    Mistake(
        "isee_bands.yaml",
        "      - {up_to_cents: null, percent: 100}\n",
        "",
        "[1].percentage: the last band must be open (up_to_cents: null)",
        at="comune: A001",
    ),
    Mistake(
        "isee_bands.yaml",
        "up_to_cents: 500000",
        "up_to_cents: null",
        "[1].percentage: only the last band may be open (up_to_cents: null)",
        at="comune: A001",
    ),
    Mistake(
        "isee_bands.yaml",
        "up_to_cents: 2000000",
        "up_to_cents: 300000",
        "[2].hourly: the bands do not ascend",
        at="comune: A001\n    section: anziani\n    kind: hourly",
    ),
    Mistake(
        "isee_bands.yaml",
        "from_cents: 1800, to",
        "from_cents: 1700, to",
        "[2].hourly.bands[3]: the last band has no upper limit, so its share must be constant",
        at="from_cents: 1700",
    ),
    Mistake(
        "providers.yaml",
        "valid_to: 2025-12-31",
        "valid_to: 2023-12-31",
        "[1].accreditations[1]: valid_to 2023-12-31 is before valid_from 2024-01-01",
        at="section: anziani",
    ),
    Mistake(
        "services.yaml",
        "    section: anziani\n",
        "",
        "[1]: an accredited service names its section of the register",
        at="slug: aiuto",
    ),
    Mistake("services.yaml", "    place: home\n", "", "[1].place: the field is missing", at="slug: aiuto"),
    Mistake(
        "offerings.yaml",
        "comuni: [A001, B002]",
        "comuni: [A001, A001]",
        "[2]: a comune is listed twice",
        at="slug: ludoteca-bassa",
    ),
    Mistake(
        "offerings.yaml",
        "comuni: [A001, B002]",
        "comuni: []",
        "[2].comuni: Tuple should have at least 1 item",
    ),
]
BETWEEN_ENTRIES = [
    Mistake("ambito.yaml", "capofila: A001", "capofila: Z999", "capofila: there is no comune 'Z999'"),
    Mistake("ambito.yaml", "slug: minori", "slug: anziani", "slug: anziani is already in this file"),
    Mistake("comuni.yaml", "belfiore: B002", "belfiore: A001", "belfiore: A001 is already in this file"),
    Mistake("comuni.yaml", 'istat: "099002"', 'istat: "099001"', "istat: 099001 is already in this file"),
    Mistake(
        "comuni.yaml",
        "name: Bassa",
        "name: Alta",
        "name: Alta is already in this file",
        at='name: Alta\n    province: ZZ\n    cap: "00010"\n    residents: 100',
    ),
    Mistake("social_points.yaml", "comune: A001", "comune: C003", "comune: there is no comune 'C003'"),
    Mistake(
        "social_points.yaml",
        "provider: quercia",
        "provider: betulla",
        "provider: there is no provider 'betulla'",
    ),
    Mistake(
        "social_points.yaml", 'from: "14:00"', 'from: "11:59"', "opening_hours: overlaps another window above"
    ),
    Mistake(
        "closures.yaml",
        "social_point: alta",
        "social_point: bassa",
        "social_point: there is no Social Point 'bassa'",
    ),
    Mistake("closures.yaml", "social_point: alta", "comune: C003", "comune: there is no comune 'C003'"),
    Mistake(
        "closures.yaml", "social_point: alta", "provider: betulla", "provider: there is no provider 'betulla'"
    ),
    Mistake("measures.yaml", "fund: comunale", "fund: statale", "fund: there is no fund 'statale'"),
    Mistake(
        "measures.yaml",
        "sections: [anziani, minori]",
        "sections: [anziani, giovani]",
        "sections: there is no section 'giovani'",
    ),
    Mistake(
        "measures.yaml",
        "incompatible_with: [contributo]",
        "incompatible_with: [altro]",
        "incompatible_with: there is no measure 'altro'",
    ),
    Mistake(
        "measures.yaml",
        "incompatible_with: [contributo]",
        "incompatible_with: [buono]",
        "incompatible_with: a measure cannot exclude itself",
    ),
    Mistake("budgets.yaml", "comune: B002", "comune: C003", "comune: there is no comune 'C003'"),
    Mistake(
        "budgets.yaml",
        "comune: B002",
        "comune: A001",
        "year: A001, comunale, 2026 is already in this file",
        at="comune: A001, fund: comunale, year: 2026, cents: 0",
    ),
    Mistake(
        "budgets.yaml", "B002, fund: comunale", "B002, fund: statale", "fund: there is no fund 'statale'"
    ),
    Mistake(
        "isee_bands.yaml",
        "valid_to: 2026-06-30",
        "valid_to: 2026-07-01",
        "valid_from: another table of A001 for anziani holds on the same days",
        at="valid_from: 2026-07-01\n    source",
    ),
    Mistake(
        "isee_bands.yaml", "section: anziani", "section: giovani", "section: there is no section 'giovani'"
    ),
    Mistake("isee_bands.yaml", "comune: A001", "comune: C003", "comune: there is no comune 'C003'"),
    Mistake(
        "providers.yaml",
        "slug: faggio",
        "slug: quercia",
        "slug: quercia is already in this file",
        at='slug: quercia\n    name: "Faggio"',
    ),
    Mistake(
        "providers.yaml",
        'vat_number: "00000000018"',
        'vat_number: "12345670124"',
        "vat_number: 12345670124 is already in this file",
        at='vat_number: "12345670124"\n    email: info@faggio',
    ),
    Mistake(
        "providers.yaml",
        "comuni_served: [A001, B002]",
        "comuni_served: [A001, C003]",
        "comuni_served: there is no comune 'C003'",
    ),
    Mistake(
        "providers.yaml",
        "valid_to: 2025-12-31",
        "valid_to: 2026-01-01",
        "valid_from: overlaps another entry in section anziani",
        at="valid_from: 2026-01-01\n        patto",
    ),
    Mistake("services.yaml", "category: casa", "category: orto", "category: there is no category 'orto'"),
    Mistake(
        "services.yaml",
        "measures: [buono, contributo]",
        "measures: [buono, altro]",
        "measures: there is no measure 'altro'",
    ),
    Mistake(
        "services.yaml",
        "    kind: private\n",
        "    kind: private\n    section: minori\n    measures: [buono]\n",
        "measures: buono pays nothing in section minori",
        at="measures: [buono]\n",
    ),
    Mistake("offerings.yaml", "service: ludoteca", "service: altro", "service: there is no service 'altro'"),
    Mistake(
        "offerings.yaml", "provider: faggio", "provider: betulla", "provider: there is no provider 'betulla'"
    ),
    Mistake("offerings.yaml", "comuni: [A001]", "comuni: [B002]", "comuni: quercia does not serve B002"),
    Mistake(
        "offerings.yaml",
        'from: "12:00"',
        'from: "11:00"',
        "from: overlaps another rule of this offering above",
    ),
    Mistake(
        "offerings.yaml",
        '    address: "Via 3, 00010 Bassa"\n',
        "",
        "address: belongs to services at the provider's place, and only to them",
        at="slug: ludoteca-bassa",
    ),
    Mistake(
        "offerings.yaml",
        "    social_point: alta\n",
        "",
        "social_point: belongs to services at a Social Point, and only to them",
        at="slug: sportello-alta",
    ),
    Mistake(
        "offerings.yaml",
        "social_point: alta",
        "social_point: bassa",
        "social_point: there is no Social Point 'bassa'",
    ),
    Mistake(
        "offerings.yaml",
        "    social_point: alta\n",
        "    social_point: alta\n    price_cents: 100\n",
        "price_cents: only private services have prices of their providers",
        at="price_cents: 100",
    ),
    Mistake(
        "offerings.yaml",
        "slug: sportello-alta",
        "slug: aiuto-alta",
        "slug: aiuto-alta is already in this file",
        at="slug: aiuto-alta\n    service: sportello",
    ),
    Mistake(
        "offerings.yaml",
        "service: sportello\n    provider: quercia\n    comuni: [A001]\n    social_point: alta",
        "service: aiuto\n    provider: quercia\n    comuni: [A001]",
        "comuni: A001 already has this service of this provider",
        at="comuni: [A001]\n    availability:\n      - {weekdays: [monday]",
    ),
    Mistake(
        "offerings.yaml",
        "provider: quercia\n    comuni: [A001]\n    social_point",
        "provider: faggio\n    comuni: [A001]\n    social_point",
        "provider: alta is run by quercia",
    ),
    Mistake(
        "offerings.yaml",
        "provider: quercia",
        "provider: faggio",
        "provider: faggio never was in section anziani",
    ),
    Mistake(
        "staff.yaml",
        "login: ass.alta",
        "login: op.alta",
        "login: op.alta is already in this file",
        at="login: op.alta\n    given_name: Ugo",
    ),
    Mistake(
        "staff.yaml",
        "email: ass.alta@example.it",
        "email: op.alta@example.it",
        "email: op.alta@example.it is already in this file",
        at="email: op.alta@example.it\n    language",
    ),
    Mistake(
        "staff.yaml", "social_worker:A001", "social_worker:L319", "roles: 'L319' is no scope of social_worker"
    ),
    Mistake("staff.yaml", "plan_office:valle", "citizen:all", "roles: 'citizen' is no role of staff"),
    Mistake(
        "staff.yaml",
        "social_point_operator:alta",
        "social_point_operator:bassa",
        "roles: 'bassa' is no scope of social_point_operator",
    ),
    Mistake(
        "api_clients.yaml",
        "provider: quercia",
        "provider: betulla",
        "provider: there is no provider 'betulla'",
    ),
]
