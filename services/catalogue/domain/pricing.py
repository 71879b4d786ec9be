"""Prices in cents."""

from __future__ import annotations


def visit_price(price_cents: int, *, per_hour: bool, minutes: int) -> int:
    """The price of one visit: half a cent and more is rounded up."""
    return (price_cents * minutes + 30) // 60 if per_hour else price_cents
