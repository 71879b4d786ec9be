"""One effect per idempotency key, kept in the transaction of the effect itself.

A client that repeats a request with the same key and body gets the stored answer; the same key with another
body or operation is refused; a repetition that arrives while the first is still running waits for it, at most
as long as the connection's lock time-out. A failure stores nothing: the transaction takes the key with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from psycopg.errors import LockNotAvailable, UniqueViolation
from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError, OperationalError

from services.chassis.idempotency_key import checked_key
from services.chassis.refusal import Kind, Refusal


class IdempotencyKeyReused(Refusal):
    """The caller used this key before for a different request."""

    kind = Kind.INVALID
    type = "idempotency-key-reused"
    it = "Questa chiave di idempotenza è già stata usata per un'altra richiesta."
    en = "This idempotency key was already used for a different request."


class IdempotencyInFlight(Refusal):
    """The first request with this key is still running."""

    kind = Kind.IN_FLIGHT
    type = "idempotency-in-flight"
    it = "Una richiesta con la stessa chiave di idempotenza è ancora in corso."
    en = "A request with the same idempotency key is still running."


def request_hash(operation: str, request: bytes) -> bytes:
    """32 bytes that identify the operation and the request's body."""
    return hashlib.sha256(operation.encode() + b"\0" + request).digest()


def key_taken(error: IntegrityError) -> bool:
    """Whether a statement failed because its idempotency key is taken."""
    return isinstance(error.orig, UniqueViolation) and error.orig.diag.table_name == "idempotency"


class Idempotency:
    """Keys and answers of one service, in its table `idempotency`. A key belongs to its `actor`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def run(
        self,
        connection: Connection,
        *,
        actor: str,
        key: str | None,
        operation: str,
        request: bytes,
        effect: Callable[[], bytes],
    ) -> bytes:
        """Runs `effect` once per (actor, key) and returns its answer, or the stored one. No key: just runs
        it.

        `effect` must work in `connection`'s transaction. Raises IdempotencyKeyReused, IdempotencyInFlight,
        InvalidField.
        """
        if key is None:
            return effect()
        values = self.row_values(actor=actor, key=key, operation=operation, request=request, response=None)
        # Once the key is claimed, a concurrent repetition waits here, on the unique index.
        claim = insert(self._table).values(values).on_conflict_do_nothing().returning(self._table.c.key)
        try:
            claimed = connection.execute(claim).first() is not None
        except OperationalError as error:
            if isinstance(error.orig, LockNotAvailable):
                raise IdempotencyInFlight(retry_after_seconds=1) from error
            raise
        if not claimed:
            stored = self.find(connection, actor=actor, key=key, operation=operation, request=request)
            if stored is None:  # purged in between
                raise IdempotencyInFlight(retry_after_seconds=1)
            return stored
        response = effect()
        connection.execute(update(self._table).where(*self._is(actor, key)).values(response=response))
        return response

    def find(
        self, connection: Connection, *, actor: str, key: str, operation: str, request: bytes
    ) -> bytes | None:
        """The answer stored for this key, or None. IdempotencyKeyReused if the request was another."""
        query = select(self._table.c.request_hash, self._table.c.response).where(*self._is(actor, key))
        row = connection.execute(query).first()
        if row is None:
            return None
        if bytes(row.request_hash) != request_hash(operation, request):
            raise IdempotencyKeyReused
        return bytes(row.response)

    def row_values(
        self, *, actor: str, key: str, operation: str, request: bytes, response: bytes | None
    ) -> dict[str, Any]:
        """Column values of the row, for a statement that also has the effect. InvalidField for a bad key.

        Such a statement inserts the row together with the effect and without ON CONFLICT, so that a key that
        is taken fails it as a whole. `key_taken` recognises that failure; `find` then has the answer.
        """
        return {
            "actor": actor,
            "key": checked_key(key),
            "operation": operation,
            "request_hash": request_hash(operation, request),
            "response": response,
        }

    def _is(self, actor: str, key: str) -> tuple[Any, Any]:
        return (self._table.c.actor == actor, self._table.c.key == key)
