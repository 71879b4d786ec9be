"""What catalogue reads from its environment, besides what every service does."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

from pydantic import Field

from services.chassis.errors import CannotRunError
from services.chassis.sealing import Sealer
from services.chassis.settings import PartitionWords, ServiceSettings


class Settings(ServiceSettings):
    """Settings of every process of catalogue; which process needs which is said in the README."""

    partition: PartitionWords = Field("", validation_alias="COMUNI")
    """Belfiore codes of the comuni that a worker of their own serves: `COMUNI=L319,C273`."""

    vouchers_target: str = "127.0.0.1:50053"
    """gRPC target of the voucher's side."""
    voucher_hold_deadline_seconds: float = Field(2.0, gt=0)
    """How long a booking waits for the voucher's side before it is given up."""
    voucher_maximum_concurrent_holds: int | None = Field(None, ge=1)
    """How many bookings ask the voucher's side at once; None: all threads but two, and at least one."""
    delivery_code_key_file: Path = Path("/run/secrets/catalogue-delivery-code-key")
    """A file with 32 random bytes in base64, from which the codes of visits are derived. Lost, all codes
    change.
    """
    data_keys_file: Path = Path("/run/secrets/catalogue-data-keys")
    """Keys that seal the words of cancellations: `id:base64,…`, the current one first."""
    delivery_earliest_before_start_minutes: int = Field(15, ge=0)
    """How long before its start a visit may be recorded. A demonstration that cannot wait sets it high."""

    reconcile_every_seconds: float = Field(3_600.0, gt=0)
    """How often the worker compares seats with bookings."""

    @property
    def maximum_concurrent_holds(self) -> int:
        """The bound itself: it leaves threads to those who do not need the voucher's side."""
        return self.voucher_maximum_concurrent_holds or max(1, self.grpc_threads - 2)

    @property
    def delivery_earliest(self) -> timedelta:
        return timedelta(minutes=self.delivery_earliest_before_start_minutes)

    def delivery_code_key(self) -> bytes:
        """The key itself. ValueError if the file does not hold 32 bytes in base64."""
        key = base64.b64decode(self.delivery_code_key_file.read_text().strip(), validate=True)
        if len(key) != 32:
            raise ValueError(f"{self.delivery_code_key_file} must hold 32 bytes in base64")
        return key

    def sealer(self) -> Sealer:
        """What seals words of persons. CannotRunError, which names the file, if the keys are missing or
        bad.
        """
        try:
            return Sealer.parse(self.data_keys_file.read_text())
        except (OSError, ValueError) as error:
            raise CannotRunError(f"DATA_KEYS_FILE {self.data_keys_file}: {error}") from error
