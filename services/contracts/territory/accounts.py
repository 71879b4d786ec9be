"""staff.yaml and api_clients.yaml: who works with the system. These files never hold passwords or secrets."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from services.contracts.forms import Slug
from services.contracts.territory.types import Email, Name, Strict

#: ``name:scope``, as roles travel in a token.
StaffRole = Annotated[str, StringConstraints(pattern=r"^[a-z_]+:[A-Za-z0-9-]+$", max_length=100)]
Login = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$", max_length=63)]


class StaffAccount(Strict):
    """A person who works at a Social Point, a comune, the plan office or a cooperative."""

    login: Login
    given_name: Name
    family_name: Name
    email: Email
    roles: Annotated[tuple[StaffRole, ...], Field(min_length=1)]
    language: Annotated[str, Field(pattern=r"^(it|en)$")] = "it"


class ApiClient(Strict):
    """The system of one cooperative, which calls the API and reads that cooperative's events."""

    client_id: Slug
    provider: Slug
    name: Name
    contact_email: Email
