"""Settings of identity's processes, beside those every service has."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from services.chassis.settings import PartitionWords, ServiceSettings
from services.identity.domain.session import Lifetimes


class IdentitySettings(ServiceSettings):
    """The keys are files, read when a process that needs them starts; `migrate` and `relay` need none."""

    partition: PartitionWords = Field("", validation_alias="COMUNI")
    """Belfiore codes of the comuni that a worker of their own serves: `COMUNI=L319,C273`."""

    signing_key_file: Path = Path("/run/secrets/signing-key.pem")
    """Ed25519, PKCS#8 PEM; signs access tokens. Its public half must be in `jwks_file`."""
    signing_key_id: str = "k1"
    data_keys_file: Path = Path("/run/secrets/identity-data-keys")
    """Of the personal columns: `id:base64,…`, the current key first."""
    blind_index_key_file: Path = Path("/run/secrets/identity-blind-index-key")
    """Of the keyed hashes and the claim codes: base64. Changing it loses both."""
    event_data_key_file: Path = Path("/run/secrets/event-data-keys")
    """Of contact data in events, shared with notifications: `id:base64,…`, the current key first."""

    access_token_seconds: int = Field(600, ge=60, le=3_600)
    assistance_seconds: int = Field(1_800, ge=60, le=3_600)
    session_days: int = Field(30, ge=1)
    """A session lives at most this long."""
    staff_session_idle_hours: int = Field(8, ge=1)
    """Staff sign in again after this long a pause."""
    refresh_grace_seconds: int = Field(10, ge=0, le=60)
    """How long after its exchange a refresh token may be exchanged again; beyond it, that is taken for a
    theft.
    """
    claim_code_days: int = Field(90, ge=1)
    claim_code_attempts: int = Field(10, ge=1)

    argon2_memory_kib: int = Field(19_456, ge=8)
    argon2_iterations: int = Field(2, ge=1)
    argon2_parallelism: int = Field(1, ge=1)
    concurrent_hashings: int = Field(1, ge=1)
    """Each takes a processor, and `argon2_memory_kib` that the process then keeps."""

    session_retention_days: int = Field(7, ge=1)
    """How long an ended session is kept."""
    throttle_rows: int = Field(100_000, ge=1)
    """Most rows that are kept about failed attempts; the oldest go first."""

    @property
    def person_lifetimes(self) -> Lifetimes:
        return Lifetimes(absolute=timedelta(days=self.session_days), idle=None)

    @property
    def staff_lifetimes(self) -> Lifetimes:
        return Lifetimes(
            absolute=timedelta(days=self.session_days), idle=timedelta(hours=self.staff_session_idle_hours)
        )
