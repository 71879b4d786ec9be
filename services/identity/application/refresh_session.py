"""Exchanging a refresh token."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from services.identity.application.parts import Parts
from services.identity.application.tokens import Tokens, account_claims, lifetimes_of, new_refresh_token, sign
from services.identity.domain.session import SessionEnded, Verdict, judge
from services.identity.persistence import accounts, sessions
from services.identity.persistence.sessions import Presented

REUSED = "refresh token used twice"
ACCOUNT_CLOSED = "account closed"


def refresh_session(parts: Parts, *, refresh_token: str) -> Tokens:
    """New tokens for the newest refresh token of a living session; roles and delegations as they stand now.

    A token may be exchanged again for as long as the policy's grace after the first time; later that ends its
    whole session.

    :raises SessionEnded: anything else
    """
    index = parts.data.index_refresh_token(refresh_token)
    now = parts.clock.now()
    with parts.database.transaction() as connection:
        presented = sessions.hold(connection, index)
        verdict = (
            Verdict.REFUSE
            if presented is None
            else judge(presented.token, presented.family, now, parts.policy.refresh_grace)
        )
        if presented is not None and verdict is Verdict.ROTATE:
            tokens = _rotate(parts, connection, presented, index, now)
        else:
            tokens = None
            if presented is not None and verdict is Verdict.END_FAMILY:
                sessions.revoke(connection, presented.session_id, now, REUSED)
    # Refused only now: what was revoked stays revoked.
    if tokens is None:
        raise SessionEnded
    return tokens


def _rotate(
    parts: Parts, connection: sa.Connection, presented: Presented, index: bytes, now: datetime
) -> Tokens | None:
    account = accounts.find(connection, presented.account_id)
    if account is None:
        sessions.revoke(connection, presented.session_id, now, ACCOUNT_CLOSED)
        return None
    successor = new_refresh_token()
    sessions.mark_used(connection, index, now)
    sessions.add_token(
        connection,
        token_index=parts.data.index_refresh_token(successor),
        session_id=presented.session_id,
        expires_at=lifetimes_of(parts, account).token_expiry(now, presented.family.expires_at),
    )
    claims = account_claims(parts, connection, account)
    return sign(parts, claims, parts.policy.access_token_seconds, successor)
