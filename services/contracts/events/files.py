"""What a service tells identity when somebody was shown data of a person that it keeps.

The sequence is always 1: each read is an aggregate of its own, because nothing follows from it.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from pydantic import Field

from services.contracts.events.base import EventData

FILE_READ: Final = {
    "person_id": "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e0f",
    "reader": "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e70",
    "role": "social_worker:L319",
    "at": "2026-11-23T10:00:00Z",
}
"""An example, but for the operation."""


class FileRead(EventData):
    """Somebody other than the person, and not acting for her by her delegation, was shown data of hers."""

    aggregate: ClassVar[str] = "file"

    person_id: UUID = Field(description="Whose data were shown")
    reader: str = Field(description="Account of the reader, as in the token's sub")
    role: str = Field(description="In which the reader was shown them, name:scope")
    operation: str = Field(description="What was read: the name of the method, e.g. GetVoucher")
    at: datetime = Field(description="UTC")
