"""What the worker tells of ledger and budgets, as metrics."""

from __future__ import annotations

from uuid import UUID

from prometheus_client import Gauge

from services.chassis.database import Database
from services.vouchers.application.verify_ledger import verify_next
from services.vouchers.persistence import funding, ledger

_faults = Gauge("ledger_faults", "Faults found in the ledger by the last pass over all vouchers")
_passed = Gauge("ledger_pass_timestamp_seconds", "When the last pass over all vouchers ended, Unix time")
_differences = Gauge("ledger_differences", "Figures of vouchers and budgets that disagree with their ledger")
_budgets = Gauge("budget_cents", "Budgets: allocated, committed", ["comune", "fund", "year", "what"])


class LedgerWatch:
    """Verifies all vouchers again and again, a batch at each turn."""

    def __init__(self) -> None:
        self._after: UUID | None = None
        self._found = 0

    def __call__(self, database: Database) -> None:
        with database.read() as connection:
            verification, self._after = verify_next(connection, self._after)
        self._found += len(verification.faults)
        if self._after is None:
            _faults.set(self._found)
            _passed.set_to_current_time()
            self._found = 0
        elif self._found:
            _faults.set(self._found)  # not only when the pass is over


def reconcile(database: Database) -> None:
    """Compares what is kept twice."""
    with database.read() as connection:
        _differences.set(len(ledger.differences(connection)))


def tell_budgets(database: Database) -> None:
    """Of every comune, fund and year: some dozens of rows."""
    with database.read() as connection:
        budgets = funding.all_budgets(connection)
    for each in budgets:
        of_budget = (each.comune, each.fund, str(each.year))
        _budgets.labels(*of_budget, "allocated").set(each.allocated_cents)
        _budgets.labels(*of_budget, "committed").set(each.committed_cents)
