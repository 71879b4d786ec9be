"""The texts of notices, Italian and English.

Two readers, two rules. In the inbox on the portal, behind a login, a text may say which cooperative and whose
visit. An e-mail may not: whoever sees the screen or the mailbox learns that there is an appointment and when,
never for what need (GDPR art. 9; domain invariant: neutral subjects, no service type, no need). Which service
it is, neither says: the events do not carry it. The portal shows it with the appointment itself.
"""

from __future__ import annotations

from typing import Final

from services.chassis.refusal import Language
from services.notifications.domain.local_time import day_in_words, time_of_day, weekday_in_words
from services.notifications.domain.notice import Facts, Notice

_APPOINTMENT_SUBJECT: Final = {
    "it": "Aggiornamento su un appuntamento",
    "en": "Update on an appointment",
}
_OTHER_SUBJECT: Final = {"it": "Nuovo messaggio sul portale", "en": "New message on the portal"}

_INBOX: Final = {
    Notice.BOOKING_CONFIRMED: {
        "it": "È confermato un appuntamento con {provider}, {day}, dalle {start} alle {end}. {details}",
        "en": "An appointment with {provider} is confirmed: {day}, from {start} to {end}. {details}",
    },
    Notice.BOOKING_CANCELLED: {
        "it": "È stato annullato {by} un appuntamento con {provider}, {day}, dalle {start} alle {end}. "
        "{details}",
        "en": "An appointment with {provider} was cancelled {by}: {day}, from {start} to {end}. {details}",
    },
    Notice.BOOKING_DELIVERED: {
        "it": "Si è svolto un appuntamento con {provider}, {day}, dalle {start} alle {end}. {details}",
        "en": "An appointment with {provider} took place: {day}, from {start} to {end}. {details}",
    },
    Notice.VOUCHER_ISSUED: {
        "it": "È disponibile un nuovo buono, valido dal {valid_from} al {valid_to} compreso. "
        "Sul portale si può scegliere la cooperativa.",
        "en": "A new voucher is available, valid from {valid_from} to {valid_to} inclusive. "
        "The cooperative can be chosen on the portal.",
    },
    Notice.VOUCHER_EXHAUSTED: {
        "it": "Un buono è stato usato per intero: non restano ore o importi disponibili.",
        "en": "A voucher has been used up: no hours or amounts are left on it.",
    },
}
_CANCELLED_BY: Final = {
    "citizen": {"it": "su richiesta della persona", "en": "at the person's request"},
    "provider": {"it": "dalla cooperativa", "en": "by the cooperative"},
    "service": {"it": "dal servizio", "en": "by the service"},
}
_UNNAMED: Final = {"it": "una cooperativa", "en": "a cooperative"}
_DETAILS: Final = {
    "it": "I dettagli sono sul portale, tra gli appuntamenti.",
    "en": "The details are on the portal, among the appointments.",
}
_ABOUT: Final = {"it": "Per {name}. ", "en": "For {name}. "}

_EMAIL_WHAT: Final = {
    Notice.BOOKING_CONFIRMED: {
        "it": "è stato confermato un appuntamento",
        "en": "An appointment has been confirmed",
    },
    Notice.BOOKING_CANCELLED: {
        "it": "è stato annullato un appuntamento",
        "en": "An appointment has been cancelled",
    },
    Notice.BOOKING_DELIVERED: {"it": "si è svolto un appuntamento", "en": "An appointment has taken place"},
}
_EMAIL_OTHER: Final = {
    "it": "c'è un nuovo messaggio sul portale",
    "en": "There is a new message on the portal",
}
_EMAIL: Final = {
    "it": "Gentile {name},\n\n{what}{about}.\n\n{when}Riferimento: {reference}\n\n"
    "Per i dettagli, aprire il portale: {portal}\n\n"
    "Messaggio automatico: le risposte a questo indirizzo non vengono lette.\n",
    "en": "Dear {name},\n\n{what}{about}.\n\n{when}Reference: {reference}\n\n"
    "For the details, open the portal: {portal}\n\n"
    "This is an automatic message: replies to this address are not read.\n",
}
_EMAIL_ABOUT: Final = {
    "it": " (riguarda una persona di cui si è delegati)",
    "en": " (it concerns a person for whom you act)",
}
_EMAIL_WHEN: Final = {
    "it": "Data e ora: {day}, ore {start}\n",
    "en": "Date and time: {day}, {start}\n",
}


def subject(notice: Notice, language: Language) -> str:
    """The subject, in the inbox and of an e-mail: neutral in both."""
    return (_APPOINTMENT_SUBJECT if notice.is_about_a_booking else _OTHER_SUBJECT)[language]


def inbox_text(
    notice: Notice, facts: Facts, language: Language, provider: str | None, about: str | None
) -> str:
    """The text on the portal. `provider` is the cooperative's name, None while it is not known yet; `about`
    the given name of the person concerned, if it is not the reader.
    """
    words = {
        "provider": provider or _UNNAMED[language],
        "details": _DETAILS[language],
        "by": _CANCELLED_BY[facts.cancelled_by][language] if facts.cancelled_by else "",
    }
    if facts.starts_at and facts.ends_at:
        words["day"] = weekday_in_words(facts.starts_at, language)
        words["start"], words["end"] = time_of_day(facts.starts_at), time_of_day(facts.ends_at)
    if facts.valid_from and facts.valid_to:
        words["valid_from"] = day_in_words(facts.valid_from, language)
        words["valid_to"] = day_in_words(facts.valid_to, language)
    text = _INBOX[notice][language].format(**words)
    return _ABOUT[language].format(name=about) + text if about else text


def email_text(
    notice: Notice, facts: Facts, language: Language, *, name: str, about_somebody_else: bool, portal: str
) -> str:
    """The body of an e-mail to `name` (the reader's given name): when, a reference, where to read more."""
    what = _EMAIL_WHAT.get(notice, _EMAIL_OTHER)[language]
    when = ""
    if notice.is_about_a_booking and facts.starts_at:
        when = _EMAIL_WHEN[language].format(
            day=weekday_in_words(facts.starts_at, language), start=time_of_day(facts.starts_at)
        )
    return _EMAIL[language].format(
        name=name,
        what=what,
        about=_EMAIL_ABOUT[language] if about_somebody_else else "",
        when=when,
        reference=facts.reference,
        portal=portal,
    )
