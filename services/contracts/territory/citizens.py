"""One line of a file of citizens (NDJSON), as a register or the generator hands it over to identity."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from services.contracts.forms import Belfiore, Slug
from services.contracts.territory.types import Email, Name, Phone, Strict


class CitizenLine(Strict):
    """A resident as a registry office would hand him or her over.

    The codice fiscale is checked in form only; identity checks it in full when it loads the line.
    """

    given_name: Name
    family_name: Name
    sex: Literal["F", "M"]
    birth_date: date
    #: Belfiore code of the comune of birth, or Z### of a foreign state.
    birthplace_belfiore: Belfiore
    codice_fiscale: Annotated[str, Field(pattern=r"^([A-Z0-9]{16}|[0-9]{11})$")]
    residence_comune: Belfiore
    address: Name
    #: Persons with the same household live at the same address.
    household: Slug
    email: Email | None
    phone: Phone | None
    language: Literal["it", "en"]
