"""What pydantic rejects, said to a person in both languages."""

from typing import Annotated, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from services.chassis.refusal import InvalidField
from services.chassis.rpc import validation
from services.chassis.rpc.validation import invalid_field


class Household(BaseModel, extra="forbid"):
    members: Annotated[int, Field(ge=1, le=20)]
    note: Annotated[str, Field(max_length=5)] = ""
    head: UUID | None = None
    kind: Literal["family", "community"] = "family"

    @field_validator("note")
    @classmethod
    def harmless(cls, note: str) -> str:
        if "{" in note:
            raise ValueError("no {braces}")
        return note


class Request(BaseModel):
    household: Household


def refusal(**household: object) -> InvalidField:
    with pytest.raises(ValidationError) as rejected:
        Request.model_validate({"household": household})
    return invalid_field(rejected.value)


def test_the_field_and_the_reason_are_named() -> None:
    found = refusal(members=0)
    assert found.field == "household.members"
    assert found.message("it") == "Deve essere almeno 1."
    assert found.message("en") == "Input should be greater than or equal to 1."


@pytest.mark.parametrize(
    ("values", "italian"),
    [
        ({}, "Il campo è obbligatorio."),
        ({"members": 21}, "Deve essere al massimo 20."),
        ({"members": "x"}, "Deve essere un numero intero."),
        ({"members": 1, "note": "secret"}, "Deve avere al massimo 5 caratteri."),
        ({"members": 1, "head": "secret"}, "Non è un identificativo valido."),
        ({"members": 1, "kind": "secret"}, "Non è uno dei valori ammessi."),
        ({"members": 1, "other": "secret"}, "Il campo non è previsto."),
        ({"members": 1, "note": "{x}"}, "Il valore non è valido."),
    ],
)
def test_italian_says_it_too_and_the_value_is_not_repeated(values: dict[str, object], italian: str) -> None:
    found = refusal(**values)
    assert found.message("it") == italian
    assert "secret" not in found.message("en")


def test_every_translated_type_is_one_of_pydantics() -> None:
    from typing import get_args

    from pydantic_core.core_schema import ErrorType

    assert set(validation._ITALIAN) <= set(get_args(ErrorType))
