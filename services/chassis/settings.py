"""Settings every process of a service has, read from its environment.

Names carry no service prefix: each process has an environment of its own.
"""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.chassis.partition import partition_words

_SECRETS = Path("/run/secrets")


PartitionWords = Annotated[str, AfterValidator(partition_words)]


class ServiceSettings(BaseSettings):
    """Base of every service's settings; a field `grpc_bind` is read from `GRPC_BIND`.

    A secret may be given as a file in /run/secrets named after its field, as containers do.
    """

    model_config = SettingsConfigDict(
        secrets_dir=_SECRETS if _SECRETS.is_dir() else None,
        extra="ignore",
        frozen=True,
    )

    database_url: str
    """`postgresql+psycopg://user:password@host:port/database`; of a primary with a standby
    `postgresql+psycopg://user:password@/database?host=one:port&host=other:port&target_session_attrs=read-write`.
    """
    amqp_url: str = "amqp://guest:guest@127.0.0.1:5672//"
    """Of a cluster: those of its nodes, with `;` between them."""
    grpc_bind: str = "127.0.0.1:50051"
    ops_bind: str = "127.0.0.1:9100"
    """Where this process answers /health and /metrics."""
    jwks_file: Path = Path("/run/secrets/jwks.json")
    """Public keys of the token issuer."""
    log_level: str = "INFO"

    grpc_threads: int = Field(6, ge=1, le=64)
    grpc_maximum_concurrent_rpcs: int = Field(64, ge=1)
    grpc_maximum_streams: int = Field(8, ge=1, le=64)
    """Of answers that are streamed, at once: one for each gateway process."""
    grpc_deadline_cap_seconds: float = Field(10.0, gt=0)
    """However long a caller says it waits, work on its behalf in other services gets no longer than this, nor
    does a stream last longer.
    """
    grpc_stop_grace_seconds: float = Field(10.0, gt=0)
    """How long calls under way may take to finish when the process is asked to end."""
    grpc_stop_announced_seconds: float = Field(1.0, ge=0)
    """How long a process that is asked to end still takes calls, while its clients turn to other replicas."""
    grpc_maximum_connection_age_seconds: int = Field(30, ge=1)
    """Connections are renewed this often, so that clients find replicas that were added later."""
    database_pool_size: int = Field(8, ge=1, le=64)
    """Connections at most, and more where a process does more at once."""
    statement_timeout_ms: int = Field(5_000, ge=100)
    lock_timeout_ms: int = Field(3_000, ge=100)

    partition: PartitionWords = ""
    """The words of the partition that a worker serves, separated by commas; it then runs no jobs. Empty: it
    serves all that no partition takes. A service may give the variable a name in its own words.
    """
    worker_prefetch: int = Field(4, ge=1, le=100)
    """Messages a worker holds at once, and handlers it runs at once."""
    worker_maximum_tries: int = Field(8, ge=1)
    """How often a message is tried before it goes to the dead letters."""
    worker_database_wait_seconds: float = Field(600, gt=0)
    """How long a held message waits for a database that is down before it goes back to the broker."""

    relay_batch_size: int = Field(500, ge=1, le=500)
    relay_poll_seconds: float = Field(1.0, gt=0)
    relay_confirm_timeout_seconds: float = Field(5.0, gt=0)
    relay_retry_maximum_seconds: float = Field(60.0, gt=0)
    """Longest pause before an event that the broker did not take is offered again."""
    outbox_retention_days: int = Field(14, ge=1)
    inbox_retention_days: int = Field(120, ge=1)
    """Longer than a message may lie in a dead-letter queue: a redriven message must still be recognised."""
    idempotency_retention_days: int = Field(3, ge=1)

    broker_heartbeat_seconds: int = Field(20, ge=1)
    broker_wait_seconds: float = Field(60.0, gt=0)
    """How long a starting process waits for the broker before it gives up."""
