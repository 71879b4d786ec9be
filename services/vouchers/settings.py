"""Settings of vouchers' processes."""

from pathlib import Path

from pydantic import Field

from services.chassis.settings import PartitionWords, ServiceSettings


class VouchersSettings(ServiceSettings):
    """Beside the common ones: the keys of the plans' goals, and how often vouchers are looked through for
    their end.
    """

    partition: PartitionWords = Field("", validation_alias="COMUNI")
    """Belfiore codes of the comuni that a worker of their own serves: `COMUNI=L319,C273`."""

    worker_prefetch: int = Field(64, ge=1, le=100)
    """Messages the worker holds at once; those that wait for their turn share a transaction."""

    data_keys_file: Path = Path("/run/secrets/vouchers-data-keys")
    """Keys that seal the goals of plans: `id:base64,…`, the current one first. Read by `grpc` only."""
    expiry_every_seconds: float = Field(60.0, gt=0)
    ledger_every_seconds: float = Field(60.0, gt=0)
    """How often the next batch of the ledger is verified."""
    budgets_every_seconds: float = Field(60.0, gt=0)
    """How often a worker tells Prometheus anew what is allocated and committed."""
    reconcile_every_seconds: float = Field(3_600.0, gt=0)
    """How often the sums of vouchers and budgets are compared with it."""
