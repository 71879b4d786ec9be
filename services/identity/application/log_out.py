"""Signing out."""

from __future__ import annotations

from services.identity.application.parts import Parts
from services.identity.persistence import sessions

LOGGED_OUT = "logged out"


def log_out(parts: Parts, *, refresh_token: str) -> None:
    """End the session this token belongs to, whatever its state; nothing happens for a token never issued.

    Access tokens already given run out by themselves, within minutes.
    """
    with parts.database.transaction() as connection:
        presented = sessions.hold(connection, parts.data.index_refresh_token(refresh_token))
        if presented is not None:
            sessions.revoke(connection, presented.session_id, parts.clock.now(), LOGGED_OUT)
