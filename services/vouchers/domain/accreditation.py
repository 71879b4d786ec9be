"""Which cooperative may work on a voucher, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from services.vouchers.domain.period import Period

ACCREDITED = "accredited"


@dataclass(frozen=True, slots=True)
class Accreditation:
    """What the Ufficio di Piano granted a cooperative for one section of the register."""

    section: str
    state: str
    period: Period


def is_accredited(accreditations: Iterable[Accreditation], section: str, day: date) -> bool:
    """Whether one of them is in force for `section` on `day`. A service without a section needs none (L.
    328/2000 art. 11 asks for accreditation of social services only).
    """
    return section == "" or any(
        held.section == section and held.state == ACCREDITED and day in held.period for held in accreditations
    )
