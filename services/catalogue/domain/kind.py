"""Kinds of services."""

from enum import StrEnum


class Kind(StrEnum):
    """Who answers for a service."""

    PUBLIC = "public"  # the comune
    ACCREDITED = "accredited"  # the ambito, through cooperatives in its register
    PRIVATE = "private"  # the cooperative alone
