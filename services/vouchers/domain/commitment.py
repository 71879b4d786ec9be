"""How much of a budget a voucher binds, in cents."""

from __future__ import annotations

from enum import StrEnum


class Unit(StrEnum):
    """What a voucher counts."""

    MINUTES = "minutes"
    CENTS = "cents"


def committed_cents(quantity: int, unit: Unit, *, price_cents: int, duration_minutes: int) -> int:
    """What a voucher of `quantity` binds at its issue: at today's tariff, rounded up so that it never falls
    short.

    `price_cents` is the price of one visit of `duration_minutes`.
    """
    if unit is Unit.CENTS:
        return quantity
    return -(-(quantity * price_cents) // duration_minutes)
