"""Every no that catalogue has of its own, with the words in which it says it."""

from __future__ import annotations

from typing import Any

from services.chassis.refusal import Kind, Language, Refusal


class SlotFull(Refusal):
    """Every seat is taken. `alternatives` are ids of the next slots of the service with a free seat."""

    kind = Kind.CONFLICT
    type = "slot-full"
    it = "Questo orario è al completo."
    en = "This time is fully booked."


class SlotPast(Refusal):
    """The slot has begun."""

    kind = Kind.CONFLICT
    type = "slot-past"
    it = "Questo orario è già passato."
    en = "This time is in the past."


class SlotWithdrawn(Refusal):
    """The cooperative no longer offers the slot; visits booked before stay booked."""

    kind = Kind.CONFLICT
    type = "slot-withdrawn"
    it = "Questo orario non è più disponibile."
    en = "This time is no longer offered."


class ServiceNotOffered(Refusal):
    """The service, or this cooperative's offer of it, has ended."""

    kind = Kind.CONFLICT
    type = "service-not-offered"
    it = "Questo servizio non è più offerto."
    en = "This service is no longer offered."


class ProviderNotAccredited(Refusal):
    """The cooperative may not deliver this service on that day."""

    kind = Kind.CONFLICT
    type = "provider-not-accredited"
    it = "La cooperativa {provider} non è accreditata per la sezione {section} il {service_date}."
    en = "The cooperative {provider} is not accredited for the section {section} on {service_date}."


class ComuneNotServed(Refusal):
    """The cooperative does not offer the service in the person's comune, or not on that day."""

    kind = Kind.CONFLICT
    type = "comune-not-served"
    it = "Questo orario non è disponibile per i residenti del comune {comune}."
    en = "This time is not offered to residents of the comune {comune}."


class PersonNotYetKnown(Refusal):
    """Identity's news of the person has not arrived; it is a matter of a moment, or the person does not
    exist.
    """

    kind = Kind.CONFLICT
    type = "person-not-yet-known"
    it = "Questa persona non risulta ancora registrata. Riprovi tra poco."
    en = "This person is not registered yet. Try again in a moment."


class IdempotencyKeyRequired(Refusal):
    """A booking must be repeatable without booking twice."""

    kind = Kind.INVALID
    type = "idempotency-key-required"
    it = "Serve una chiave di idempotenza (Idempotency-Key)."
    en = "An idempotency key (Idempotency-Key) is needed."


class BookingHasLapsed(Refusal):
    """The booking was not completed while its seat was held."""

    kind = Kind.CONFLICT
    type = "booking-lapsed"
    it = "La prenotazione non è stata completata in tempo e il posto è stato liberato."
    en = "The booking was not completed in time and its seat was released."


class BookingWasRefused(Refusal):
    """The booking never came about."""

    kind = Kind.CONFLICT
    type = "booking-was-refused"
    it = "La prenotazione è stata rifiutata."
    en = "The booking was refused."


class BookingNotConfirmed(Refusal):
    """The booking is still being made."""

    kind = Kind.CONFLICT
    type = "booking-not-confirmed"
    it = "La prenotazione non è ancora confermata. Riprovi tra poco."
    en = "The booking is not confirmed yet. Try again in a moment."


class BookingAlreadyConfirmed(Refusal):
    """The booking is made already."""

    kind = Kind.CONFLICT
    type = "booking-already-confirmed"
    it = "La prenotazione è già confermata."
    en = "The booking is confirmed already."


class BookingAlreadyCancelled(Refusal):
    """The booking was cancelled before."""

    kind = Kind.CONFLICT
    type = "booking-already-cancelled"
    it = "La prenotazione è già stata annullata."
    en = "The booking was cancelled already."


class BookingAlreadyDelivered(Refusal):
    """The visit took place."""

    kind = Kind.CONFLICT
    type = "booking-already-delivered"
    it = "La visita è già stata effettuata."
    en = "The visit has taken place already."


class BookingStarted(Refusal):
    """The visit has begun; only an office of the person's comune can cancel it now."""

    kind = Kind.CONFLICT
    type = "booking-started"
    it = "La visita è già iniziata: può annullarla solo un ufficio del comune."
    en = "The visit has begun: only an office of the comune can cancel it."


class BookingTooLateToCancel(Refusal):
    """The notice that the ambito's rule asks of citizens has begun."""

    kind = Kind.CONFLICT
    type = "booking-too-late-to-cancel"
    it = "Si poteva annullare fino al {cancellable_until}; ora contatti la cooperativa."
    en = "It could be cancelled until {cancellable_until}; now contact the cooperative."


class DeliveryTooEarly(Refusal):
    """The visit has not begun."""

    kind = Kind.CONFLICT
    type = "delivery-too-early"
    it = "La visita si può registrare solo dal {recordable_from}."
    en = "The visit can be recorded only from {recordable_from}."


class DeliveryCodeWrong(Refusal):
    """Not the code of this booking."""

    kind = Kind.INVALID
    type = "delivery-code-wrong"
    it = "Il codice non è quello della prenotazione. Tentativi rimasti: {attempts_left}."
    en = "The code is not the one of the booking. Attempts left: {attempts_left}."


class DeliveryCodeLocked(Refusal):
    """Too many wrong codes: an office of the person's comune must look into it, and may close the visit."""

    kind = Kind.CONFLICT
    type = "delivery-code-locked"
    it = "Troppi codici errati: la registrazione di questa visita è bloccata."
    en = "Too many wrong codes: recording this visit is locked."


class AccreditationMissing(Refusal):
    """There is no entry in the register to suspend, resume or revoke."""

    kind = Kind.CONFLICT
    type = "accreditation-missing"
    it = "La cooperativa {provider} non ha un accreditamento nella sezione {section}."
    en = "The cooperative {provider} has no accreditation in the section {section}."


class KeptRefusal(Refusal):
    """A refusal that was written down with its booking; raising it says the same again."""

    def __init__(self, kept: dict[str, Any]) -> None:
        self.kind = Kind(kept["kind"])  # type: ignore[misc]  # known only from what was kept
        self.type, self.it, self.en = kept["type"], kept["it"], kept["en"]
        super().__init__(
            field=kept["field"], retry_after_seconds=kept["retry_after_seconds"], **kept["facts"]
        )

    def message(self, language: Language) -> str:
        """The text as it was said: the facts are filled in already."""
        return self.it if language == "it" else self.en


def kept(refusal: Refusal) -> dict[str, Any]:
    """A refusal as plain JSON values, from which `KeptRefusal` makes it again."""
    return {
        "kind": refusal.kind.value,
        "type": refusal.type,
        "it": refusal.message("it"),
        "en": refusal.message("en"),
        "field": refusal.field,
        "retry_after_seconds": refusal.retry_after_seconds,
        "facts": {name: str(value) for name, value in refusal.facts.items()},
    }
