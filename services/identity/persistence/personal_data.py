"""Personal data in columns: sealed for one column of one row, and found by keyed hash."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from services.chassis.sealing import BlindIndex, Sealer
from services.identity.domain.claim import code_from
from services.identity.domain.codice_fiscale import CodiceFiscale

_EVENT_CONTACT: Final = "contact"


class PersonalData:
    """Seals, opens and indexes. Three keys: of the columns, of the indexes, of the events' contact data."""

    def __init__(self, columns: Sealer, index: BlindIndex, events: Sealer) -> None:
        self._columns = columns
        self._index = index
        self._events = events

    def seal(self, text: str, column: str, row: object) -> str:
        """`text` encrypted for `column` ("table.column") of the row with that key."""
        return self._columns.seal(text, f"{column}:{row}")

    def seal_optional(self, text: str | None, column: str, row: object) -> str | None:
        return None if text is None else self.seal(text, column, row)

    def open(self, sealed: str, column: str, row: object) -> str:
        """What was sealed for that column and row; SealBroken if it was not."""
        return self._columns.open(sealed, f"{column}:{row}")

    def open_optional(self, sealed: str | None, column: str, row: object) -> str | None:
        return None if sealed is None else self.open(sealed, column, row)

    def seal_contact(self, contact: str, person_id: UUID) -> str:
        """A person's contact data for the events, which notifications opens."""
        return self._events.seal(contact, f"{_EVENT_CONTACT}:{person_id}")

    def index_codice_fiscale(self, code: CodiceFiscale) -> bytes:
        return self._index.of(code.value, "codice_fiscale.value")

    def index_username(self, username: str) -> bytes:
        return self._index.of(username, "account.username")

    def index_secret(self, secret: str, client_id: str) -> bytes:
        """A fast keyed hash: enough for a secret that is random, unlike a password."""
        return self._index.of(secret, f"api_client.secret:{client_id}")

    def index_refresh_token(self, token: str) -> bytes:
        return self._index.of(token, "refresh_token.token")

    def index_throttle(self, what: str, value: str) -> bytes:
        """`what` is guessed at or by whom ("log-in", "address"), `value` which one."""
        return self._index.of(value, f"throttle.{what}")

    def digest_request(self, request: bytes) -> bytes:
        """Recognises a repeated request. Keyed, because a request may hold a password and little else
        unknown.
        """
        return self._index.of(request.hex(), "idempotency.request")

    def claim_code(self, person_id: UUID, nonce: bytes) -> str:
        """The code that belongs to a claim; it is kept nowhere."""
        return code_from(self._index.of(nonce.hex(), f"claim.code:{person_id}"))
