"""The system of a cooperative signs in."""

from __future__ import annotations

import hmac

from services.contracts.access import PROVIDER_CLIENT
from services.identity.application.parts import Parts
from services.identity.application.tokens import Tokens, sign
from services.identity.domain.account import ClientRefused
from services.identity.persistence import accounts


def authenticate_client(parts: Parts, *, client_id: str, client_secret: str) -> Tokens:
    """An access token for a client's own secret; it comes again when that runs out.

    The secret is random, so guessing needs no throttle, and a throttle would let others lock the system out.

    :raises ClientRefused: unknown or closed client, one of a disabled cooperative, or wrong secret
    """
    with parts.database.read() as connection:
        client = accounts.find_client(connection, client_id)
    presented = parts.data.index_secret(client_secret, client_id)
    if client is None or not hmac.compare_digest(presented, client.secret_index):
        raise ClientRefused
    claims = {"sub": client.client_id, "roles": [f"{PROVIDER_CLIENT}:{client.provider}"]}
    return sign(parts, claims, parts.policy.access_token_seconds)
