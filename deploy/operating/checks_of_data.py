"""`reconcile`, `verify-ledger`, `check-topology`: whether what is kept still agrees with itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import typer

from deploy.local.reconcile import CannotReadBooks, Printed, lasting_differences, read_books
from deploy.operating.installation import Installation, OperationError
from deploy.operating.observing import find_out
from deploy.operating.service_commands import run_service
from deploy.operating.terminal import Exit, failing, session_of

_SECONDS: Final = 600.0
"""For a whole ledger, or all bookings."""
_KINDS: Final = ("grpc",)


def reconcile(context: typer.Context) -> None:
    """Compare seats, bookings, holds on vouchers, and budgets. Ends with 1 and names each difference."""
    _report(
        context,
        lambda installation: (differences(installation), "Seats, bookings, holds and budgets agree."),
    )


def verify_ledger(context: typer.Context) -> None:
    """Compute every voucher's ledger again. Ends with 1 and names each fault."""
    _report(context, _verified)


def differences(installation: Installation) -> list[str]:
    """One sentence for each difference between seats, bookings, holds and budgets that lasts."""

    def ask(service: str, command: str) -> Printed:
        done = run_service(installation, service, command, kinds=_KINDS, timeout_seconds=_SECONDS)
        return Printed(done.status, done.out, done.errors)

    try:
        found = lasting_differences(lambda: read_books(ask))
    except CannotReadBooks as error:
        raise OperationError(f"seats, bookings and holds cannot be compared: {error}") from error
    of_vouchers, _ = _said(installation, "vouchers", "reconcile", r"\d+ differences\.")
    return found + of_vouchers


def faults(installation: Installation) -> list[str]:
    """One sentence for each fault of the ledger."""
    found, _ = _verified(installation)
    return found


def check_topology(context: typer.Context) -> None:
    """Compare the broker with what it must hold. Ends with 1 and names each queue and binding it lacks."""

    def missing(installation: Installation) -> tuple[list[str], str]:
        facts = find_out(installation, ("broker",))
        if facts.broker is None:
            raise OperationError(f"RabbitMQ: {facts.unknown.get('broker', 'nothing is known')}")
        lacking = [f"queue {name}" for name in facts.broker.missing_queues] + facts.broker.missing_bindings
        return [f"missing {each}" for each in lacking], "The broker has every queue and binding."

    _report(context, missing)


def _verified(installation: Installation) -> tuple[list[str], str]:
    return _said(installation, "vouchers", "verify-ledger", r"\d+ vouchers, \d+ entries, \d+ faults")


def _report(context: typer.Context, look: Callable[[Installation], tuple[list[str], str]]) -> None:
    session = session_of(context)
    with failing():
        found, summary = look(session.installation())
    for sentence in found:
        session.terminal.say(f"[red]✗[/] {session.terminal.plain(sentence)}")
    if not found:
        session.terminal.say(f"[green]✓[/] {summary}")
    session.terminal.document({"well": not found, "found": found, "summary": summary if not found else ""})
    if found:
        raise typer.Exit(Exit.FOUND)


def _said(installation: Installation, service: str, command: str, summary: str) -> tuple[list[str], str]:
    """What the command found, a line each, and its last line, which looks like `summary`.

    OperationError if it ended without one: then it could not look, and ends with 1 as well.
    """
    done = run_service(installation, service, command, kinds=_KINDS, timeout_seconds=_SECONDS)
    last = next((line for line in reversed(done.out.splitlines()) if re.fullmatch(summary, line)), None)
    if last is None:
        raise OperationError(f"{service} {command}: {(done.errors or done.out).strip()[-2000:]}")
    return (done.errors.splitlines() if done.status else []), last
