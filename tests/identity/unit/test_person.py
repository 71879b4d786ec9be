from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.chassis.refusal import InvalidField, Refusal
from services.identity.domain.codice_fiscale import Sex
from services.identity.domain.person import PersonDetails, declared

TODAY = date(2026, 11, 23)
OWN = UUID("01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e20")
MARIA: dict[str, Any] = {
    "codice_fiscale": "BNCMRA38T41L682G",
    "given_name": "Maria",
    "family_name": "Bianchi",
    "birth_date": "1938-12-01",
    "sex": Sex.FEMALE,
    "comune": "L319",
    "address": "Via Roma 1",
    "email": "",
    "phone": "",
    "language": "",
    "household_id": "",
}


def say(**changes: object) -> PersonDetails:
    return declared(**(MARIA | changes), own_household=OWN, today=TODAY)


def test_what_is_left_out_has_a_meaning() -> None:
    details = say()
    assert (details.email, details.phone, details.language, details.household_id) == (None, None, "it", OWN)


def test_what_is_typed_loosely_is_put_in_order() -> None:
    details = say(given_name="  Maria \t Pia ", phone="+39 0331 123456", codice_fiscale="bncmra38t41 l682g")
    assert (details.given_name, details.phone) == ("Maria Pia", "+390331123456")
    assert details.codice_fiscale.value == "BNCMRA38T41L682G"


def test_a_centenarian_is_welcome() -> None:
    details = say(
        codice_fiscale="XUIVEA19E70E104D", birth_date="1919-05-30", given_name="Éva", family_name="Ùxi"
    )
    assert details.birth_date.year == 1919


def test_a_provisional_code_agrees_with_any_birth() -> None:
    assert say(
        codice_fiscale="12345670124", birth_date="2001-01-01", sex=Sex.MALE
    ).codice_fiscale.is_provisional


def test_nothing_personal_is_in_its_repr() -> None:
    assert repr(say()) == "PersonDetails(***)"


@pytest.mark.parametrize(
    ("field", "value", "type"),
    [
        ("codice_fiscale", "BNCMRA38T41L682H", "codice-fiscale-check-character"),
        ("codice_fiscale", "", "codice-fiscale-malformed"),
        ("given_name", " ", "invalid-field"),
        ("given_name", "x" * 101, "invalid-field"),
        ("family_name", "Bian\x00chi", "invalid-field"),
        ("family_name", "Bian\u202echi", "invalid-field"),
        ("birth_date", "01/12/1938", "invalid-field"),
        ("birth_date", "1938-02-30", "invalid-field"),
        ("birth_date", "2026-11-24", "invalid-field"),
        ("birth_date", "1890-12-01", "invalid-field"),
        ("sex", None, "invalid-field"),
        ("comune", "Tradate", "invalid-field"),
        ("address", "", "invalid-field"),
        ("email", "maria@", "invalid-field"),
        ("email", "maria@example.it\nBcc: all", "invalid-field"),
        ("phone", "0331123456", "invalid-field"),
        ("language", "de", "invalid-field"),
        ("household_id", "mine", "invalid-field"),
    ],
)
def test_each_wrong_field_is_named(field: str, value: object, type: str) -> None:
    with pytest.raises(Refusal) as refused:
        say(**{field: value})
    assert (refused.value.field, refused.value.type) == (field, type)


@pytest.mark.parametrize(
    ("changes", "type"),
    [
        ({"birth_date": "1938-12-02"}, "codice-fiscale-birth-date-mismatch"),
        ({"sex": Sex.MALE}, "codice-fiscale-sex-mismatch"),
    ],
)
def test_the_code_must_agree_with_what_is_declared(changes: dict[str, object], type: str) -> None:
    with pytest.raises(Refusal) as refused:
        say(**changes)
    assert (refused.value.field, refused.value.type) == ("codice_fiscale", type)


def test_refusals_do_not_repeat_what_was_said() -> None:
    for field in ("given_name", "email", "address"):
        with pytest.raises(InvalidField) as refused:
            say(**{field: "segreto\x00" * 40})
        assert "segreto" not in refused.value.message("it") + refused.value.message("en")
