"""Compares what two services keep of the same thing: open bookings with a voucher, and open holds."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deploy.local.commands import Command
from deploy.local.layout import ROOT

_TIMEOUT_SECONDS = 120
_PASSES = 2
_BETWEEN_PASSES_SECONDS = 3.0
Lines = list[dict[str, Any]]


class CannotReadBooks(Exception):
    """A service did not answer; the message is its own."""


@dataclass(frozen=True)
class Printed:
    """How a service's command ended, and what it printed."""

    status: int
    out: str
    errors: str


@dataclass(frozen=True)
class Books:
    """Both sides as they were read, one shortly after the other."""

    catalogue: Lines  # of `services.catalogue reconcile`
    vouchers: Lines  # of `services.vouchers holds`


def differences(books: Books) -> set[str]:
    """One sentence for each difference between the two sides, and for each seat that is miscounted."""
    found = {
        f"slot {line['slot_id']}: {line['taken']} seats taken, {line['bookings']} bookings"
        for line in books.catalogue
        if line["kind"] == "seat-difference"
    }
    bookings = {line["booking_id"]: line for line in books.catalogue if line["kind"] == "open-booking"}
    holds = {line["booking_id"]: line for line in books.vouchers}
    for key, booking in bookings.items():
        hold = holds.get(key)
        if hold is None:
            if booking["state"] != "held":  # a held one has its hold in a moment, or never
                found.add(
                    f"booking {key}: {booking['state']}, but voucher {booking['voucher_id']} has no hold"
                )
        elif hold["voucher_id"] != booking["voucher_id"]:
            found.add(f"booking {key}: held on {hold['voucher_id']}, booked on {booking['voucher_id']}")
        elif hold["quantity"] not in {booking["minutes"], booking["price_cents"]}:
            found.add(f"booking {key}: {hold['quantity']} held, {booking['minutes']} minutes booked")
    found |= {
        f"booking {key}: voucher {hold['voucher_id']} holds {hold['quantity']}, but the booking is not open"
        for key, hold in holds.items()
        if key not in bookings
    }
    return found


def lasting_differences(read: Callable[[], Books]) -> list[str]:
    """Differences found at every pass: what is on its way from one side to the other is none."""
    lasting = differences(read())
    for _ in range(_PASSES - 1):
        if lasting:
            time.sleep(_BETWEEN_PASSES_SECONDS)
            lasting &= differences(read())
    return sorted(lasting)


def read_books(ask: Callable[[str, str], Printed]) -> Books:
    """`ask(service, command)` runs a command of a service. Raises CannotReadBooks."""
    # Holds are read last: a booking that ended in between then shows as a difference once, not for good.
    booked = _lines(ask("catalogue", "reconcile"))
    return Books(booked, _lines(ask("vouchers", "holds")))


def printed_by(command: Command) -> Printed:
    """What a command on this machine prints."""
    done = subprocess.run(
        [sys.executable, "-m", command.module, *command.arguments],
        cwd=ROOT,
        env=dict(command.environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    return Printed(done.returncode, done.stdout, done.stderr)


def _lines(printed: Printed) -> Lines:
    parsed = [json.loads(line) for line in printed.out.splitlines() if line.startswith("{")]
    found = any(line.get("kind") == "seat-difference" for line in parsed)
    if printed.status != found:  # it ends with 1 when it has found something, and when it could not look
        raise CannotReadBooks(printed.errors[-2000:].strip() or f"it ended with {printed.status}")
    return [line for line in parsed if "booking_id" in line or "slot_id" in line]
