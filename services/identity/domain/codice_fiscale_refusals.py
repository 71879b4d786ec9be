"""Why a codice fiscale is not accepted."""

from __future__ import annotations

from services.chassis.refusal import Kind, Refusal


class CodiceFiscaleRefused(Refusal):
    """Base of every refusal of a codice fiscale. The code itself, personal data, is never among the facts."""

    kind = Kind.INVALID

    def __init__(self, *, field: str = "codice_fiscale") -> None:
        super().__init__(field=field)


class MalformedCodiceFiscale(CodiceFiscaleRefused):
    """Neither 16 characters of the expected kinds nor 11 digits."""

    type = "codice-fiscale-malformed"
    it = "Il codice fiscale deve avere 16 caratteri (lettere e cifre al posto giusto) oppure 11 cifre."
    en = "A codice fiscale has 16 characters (letters and digits in their places) or 11 digits."


class WrongCheckCharacter(CodiceFiscaleRefused):
    """The last character does not follow from the others: something was mistyped."""

    type = "codice-fiscale-check-character"
    it = "Il codice fiscale contiene un errore: il carattere di controllo non corrisponde."
    en = "The codice fiscale contains an error: its check character does not match."


class ImpossibleBirthDate(CodiceFiscaleRefused):
    """Day and month inside the code are of no calendar year (31 April, day 75 …)."""

    type = "codice-fiscale-impossible-date"
    it = "Il codice fiscale contiene una data di nascita che non esiste."
    en = "The codice fiscale contains a birth date that does not exist."


class BirthDateMismatch(CodiceFiscaleRefused):
    """The declared birth date is not the one in the code (compared without the century)."""

    type = "codice-fiscale-birth-date-mismatch"
    it = "La data di nascita dichiarata non corrisponde al codice fiscale."
    en = "The declared birth date does not match the codice fiscale."


class SexMismatch(CodiceFiscaleRefused):
    """The declared sex is not the one in the code."""

    type = "codice-fiscale-sex-mismatch"
    it = "Il sesso dichiarato non corrisponde al codice fiscale."
    en = "The declared sex does not match the codice fiscale."


class NotEncodable(CodiceFiscaleRefused):
    """A name with letters that have no Latin transliteration, or a birthplace that is no Belfiore code."""

    type = "codice-fiscale-not-encodable"
    it = "Con questi dati non è possibile calcolare un codice fiscale."
    en = "No codice fiscale can be computed from these data."
