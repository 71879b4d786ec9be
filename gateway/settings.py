"""The gateway's settings, read from its environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class GatewaySettings(BaseSettings):
    """A field `gateway_bind` is read from `GATEWAY_BIND`."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    gateway_bind: str = "127.0.0.1:8000"
    ops_bind: str = "127.0.0.1:9100"
    identity_target: str = "127.0.0.1:50051"
    catalogue_target: str = "127.0.0.1:50052"
    vouchers_target: str = "127.0.0.1:50053"
    notifications_target: str = "127.0.0.1:50054"
    jwks_file: Path = Path("/run/secrets/jwks.json")
    log_level: str = "INFO"

    body_limit_bytes: int = Field(65_536, ge=1024, le=1_048_576)
    read_deadline_seconds: float = Field(3.0, gt=0)
    command_deadline_seconds: float = Field(6.0, gt=0)
    connections_limit: int = Field(1_000, ge=1)
    """Requests under way at once; more get 503."""
    live_streams_limit: int = Field(500, ge=1)
    """Live streams at once, which are among the requests under way; more get 503."""
    shared_read_seconds: float = Field(1.0, ge=0, le=60)
    """How old a search or a list of free slots may be that one client is answered like another."""
    requests_per_minute: int = Field(6_000, ge=1)
    """Of one consumer: an account, a cooperative's system, or a network address without a token; more get
    429. Behind one address may sit a whole office.
    """
    trusted_proxies: str = ""
    """Comma-separated addresses whose X-Forwarded-For is believed; empty: none."""
