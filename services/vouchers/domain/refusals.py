"""Every no of this service that a person can understand."""

from __future__ import annotations

from services.chassis.refusal import Kind, NotFound, Refusal


class VoucherNotFound(NotFound):
    """No voucher has that identifier, or the caller may not know of it."""

    type = "voucher-not-found"
    it = "Il voucher non esiste."
    en = "There is no such voucher."

    def __init__(self) -> None:
        super().__init__(what="voucher", field="voucher_id")


class NotYourVoucher(Refusal):
    """The voucher is of somebody for whom the caller may not do this."""

    kind = Kind.FORBIDDEN
    type = "not-your-voucher"
    it = "Il voucher è intestato a un'altra persona."
    en = "The voucher belongs to somebody else."


class VoucherNotYetValid(Refusal):
    """The day lies before the voucher's first one."""

    kind = Kind.CONFLICT
    type = "voucher-not-yet-valid"
    it = "Il voucher vale dal {valid_from}."
    en = "The voucher is valid from {valid_from} on."


class VoucherExpired(Refusal):
    """The day lies after the voucher's last one, which still counts."""

    kind = Kind.CONFLICT
    type = "voucher-expired"
    it = "Il voucher è scaduto: il suo ultimo giorno è il {valid_to}."
    en = "The voucher has expired: its last day is {valid_to}."


class VoucherExhausted(Refusal):
    """Less is left on the voucher than is needed; the fact `unit` says of what."""

    kind = Kind.CONFLICT
    type = "voucher-exhausted"
    it = "Sul voucher non resta abbastanza: disponibili {available}, necessari {needed}."
    en = "Not enough is left on the voucher: {available} available, {needed} needed."


class ProviderNotChosen(Refusal):
    """On that day the voucher is assigned to another cooperative, or to none."""

    kind = Kind.CONFLICT
    type = "provider-not-chosen"
    it = "Per il {service_date} sul voucher non è stata scelta questa cooperativa."
    en = "This cooperative is not the one chosen on the voucher for {service_date}."


class ServiceNotCovered(Refusal):
    """The voucher pays for another service."""

    kind = Kind.CONFLICT
    type = "service-not-covered"
    it = "Il voucher non copre questo servizio."
    en = "The voucher does not cover this service."


class BookingAlreadyReleased(Refusal):
    """The booking ended before it could be held, or after; what was held for it went back for good."""

    kind = Kind.CONFLICT
    type = "booking-already-released"
    it = "La prenotazione è già stata annullata."
    en = "The booking has been released already."


class BookingHeldDifferently(Refusal):
    """The booking has a hold already, on another voucher or with other facts."""

    kind = Kind.CONFLICT
    type = "booking-held-differently"
    it = "La prenotazione ha già un impegno diverso."
    en = "The booking has a different hold already."


class ProviderNotAccredited(Refusal):
    """The cooperative has no accreditation in force for the voucher's section on that day."""

    kind = Kind.CONFLICT
    type = "provider-not-accredited"
    it = "La cooperativa non è accreditata per la sezione {section} il {day}."
    en = "The cooperative is not accredited for the section {section} on {day}."


class ProviderChangeTooEarly(Refusal):
    """The ambito's regulation asks for notice, or for some time with the cooperative chosen before."""

    kind = Kind.CONFLICT
    type = "provider-change-too-early"
    it = "La cooperativa si può cambiare dal {earliest}."
    en = "The cooperative can be changed from {earliest} on."


class PlanAlreadySigned(Refusal):
    """A signed plan does not change, and is not signed twice."""

    kind = Kind.CONFLICT
    type = "plan-already-signed"
    it = "Il piano è già firmato."
    en = "The plan is signed already."


class PlanNotSigned(Refusal):
    """Vouchers are issued from signed plans only."""

    kind = Kind.CONFLICT
    type = "plan-not-signed"
    it = "Il piano non è ancora firmato."
    en = "The plan is not signed yet."


class IssuerWrotePlan(Refusal):
    """Who proposes does not also grant (maker-checker)."""

    kind = Kind.FORBIDDEN
    type = "issuer-wrote-plan"
    it = "Chi ha scritto o firmato il piano non può emettere il voucher."
    en = "Who wrote or signed the plan may not issue the voucher."


class PlanLineExhausted(Refusal):
    """The plan's line has less left than is asked for."""

    kind = Kind.CONFLICT
    type = "plan-line-exhausted"
    it = "Sulla riga del piano restano {remaining}."
    en = "The plan's line has {remaining} left."


class VoucherAlreadyIssued(Refusal):
    """The same line has a voucher for the same days: the second one would be a duplicate."""

    kind = Kind.ALREADY_EXISTS
    type = "voucher-already-issued"
    it = "Per questa riga e questo periodo il voucher {voucher_id} esiste già."
    en = "The voucher {voucher_id} of this line and period exists already."


class IncompatibleMeasures(Refusal):
    """The person has a voucher of a measure that excludes this one."""

    kind = Kind.CONFLICT
    type = "incompatible-measures"
    it = "«{measure_it}» è incompatibile con «{held_it}». {rule_it} ({source})"
    en = "“{measure_en}” is incompatible with “{held_en}”. {rule_en} ({source})"


class BudgetNotFound(Refusal):
    """The comune has no budget of that fund and year."""

    kind = Kind.NOT_FOUND
    type = "budget-not-found"
    it = "Il comune non ha un budget {fund} per il {year}."
    en = "The comune has no budget {fund} for {year}."


class BudgetExhausted(Refusal):
    """The budget has less left than the voucher would bind."""

    kind = Kind.CONFLICT
    type = "budget-exhausted"
    it = "Il budget non basta: restano {available_cents} centesimi, ne servono {needed_cents}."
    en = "The budget does not suffice: {available_cents} cents are left, {needed_cents} are needed."


class PersonNotYetKnown(Refusal):
    """Word of this person has not arrived here yet."""

    kind = Kind.CONFLICT
    type = "person-not-yet-known"
    it = "La persona non è ancora nota qui: riprovare tra poco."
    en = "The person is not known here yet: try again in a moment."

    def __init__(self) -> None:
        super().__init__(field="person_id", retry_after_seconds=1)


class ProviderNotYetKnown(Refusal):
    """Word of this cooperative has not arrived here yet."""

    kind = Kind.CONFLICT
    type = "provider-not-yet-known"
    it = "La cooperativa non è ancora nota qui: riprovare tra poco."
    en = "The cooperative is not known here yet: try again in a moment."

    def __init__(self) -> None:
        super().__init__(field="provider", retry_after_seconds=1)


class ServiceNotYetKnown(Refusal):
    """Word of this service has not arrived here yet."""

    kind = Kind.CONFLICT
    type = "service-not-yet-known"
    it = "Il servizio non è ancora noto qui: riprovare tra poco."
    en = "The service is not known here yet: try again in a moment."

    def __init__(self, *, field: str) -> None:
        super().__init__(field=field, retry_after_seconds=1)


class LedgerTooLong(Refusal):
    """More is to be verified than the time of one call allows. The counts say how far it came."""

    kind = Kind.CONFLICT
    type = "ledger-too-long"
    it = (
        "Il tempo di una richiesta non basta: verificati {vouchers} voucher, con {faults} errori, ne restano "
        "altri. Indicare un voucher, o far eseguire il comando verify-ledger."
    )
    en = (
        "The time of one call does not suffice: {vouchers} vouchers were verified, with {faults} faults, and "
        "more are left. Give one voucher, or have the command verify-ledger run."
    )


class AllocationBelowCommitted(Refusal):
    """A budget cannot become smaller than what vouchers bind already."""

    kind = Kind.CONFLICT
    type = "allocation-below-committed"
    it = "Il budget {comune} {fund} {year} impegna {committed_cents} centesimi, più di {allocated_cents}."
    en = "The budget {comune} {fund} {year} commits {committed_cents} cents, more than {allocated_cents}."


class MeasureUnitFixed(Refusal):
    """What a measure counts cannot change once plans count it."""

    kind = Kind.CONFLICT
    type = "measure-unit-fixed"
    it = "L'unità della misura {measure} non può cambiare: ci sono piani che la usano."
    en = "The unit of the measure {measure} cannot change: there are plans that use it."


class OtherTerritory(Refusal):
    """The database holds the data of another ambito."""

    kind = Kind.CONFLICT
    type = "other-territory"
    it = "Questa base dati è dell'ambito {present}, non di {given}."
    en = "This database belongs to the ambito {present}, not to {given}."
