"""Seeing what a Statement executes, and changing it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from services.chassis.statements import Place, Statement

Listener = Callable[[Place, str, Mapping[str, Any]], str]
"""Gets where it is executed, SQL with `$1` for the first parameter, and the parameters by name, in order.
Returns the SQL that is to be executed.
"""


@contextmanager
def statements_through(listener: Listener) -> Iterator[None]:
    """Inside, whatever Statement is executed is given to `listener` first."""
    execute = Statement._executed

    def executed(self: Statement, place: Place, parameters: Mapping[str, Any]) -> Any:
        values = dict(zip(self.names, self._values(parameters), strict=True))
        changed = copy.copy(self)
        changed._query = listener(place, self.sql, values).encode()
        return execute(changed, place, parameters)

    with patch.object(Statement, "_executed", executed):
        yield
