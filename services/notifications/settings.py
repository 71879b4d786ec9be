"""Settings of notifications, beyond those of every service."""

from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from services.chassis.settings import PartitionWords, ServiceSettings
from services.notifications.domain.addresses import AddressRules
from services.notifications.domain.served import Served, slugs


def _networks(text: str) -> str:
    AddressRules.parse(text)
    return text


def _slugs(text: str) -> str:
    slugs(text)
    return text


def _sender(text: str) -> str:
    address = parseaddr(text)[1]
    if not address:
        raise ValueError("no address in it")
    Address(addr_spec=address)  # ValueError if it is none
    return text


class NotificationsSettings(ServiceSettings):
    """What the processes of notifications read from their environment."""

    partition: PartitionWords = Field("", validation_alias="COMUNI")
    """Belfiore codes of the comuni that a worker of their own serves: `COMUNI=L319,C273`."""

    worker_prefetch: int = Field(32, ge=1, le=100)
    """Messages the worker holds at once; those that wait for their turn share a transaction."""

    event_data_key_file: Path = Path("/run/secrets/event-data-keys")
    """Keys, shared with identity, that open the contact data in its events: `id:base64,…`."""
    data_keys_file: Path = Path("/run/secrets/notifications-data-keys")
    """Keys of the sealed columns of this service's own database: `id:base64,…`, the current one first."""

    smtp_url: str = "smtp://127.0.0.1:25"
    """`smtp://`, `smtp+starttls://` or `smtps://`, then `[user:password@]host[:port]` (percent-encoded)."""
    smtp_timeout_seconds: float = Field(10.0, gt=0)
    """For each step of the conversation with the mail server."""
    mail_from: Annotated[str, AfterValidator(_sender)] = "Portale del welfare <noreply@ambito.invalid>"
    portal_url: str = "http://127.0.0.1:8000"
    """Where e-mails send their readers."""
    email_concurrency: int = Field(2, ge=1, le=32)
    email_lease_seconds: float = Field(120.0, gt=0)
    """After this long, an e-mail whose sender died is sent again, with the same Message-ID."""

    webhook_allowed_networks: Annotated[str, AfterValidator(_networks)] = ""
    """Networks in CIDR form, separated by commas, that webhooks may reach although they are not public, and
    by plain HTTP too. Empty in production.
    """
    webhook_timeout_seconds: float = Field(15.0, gt=0)
    """For one attempt as a whole."""
    webhook_concurrency: int = Field(16, ge=1, le=64)
    """Attempts at once in one `deliver` process."""
    webhook_endpoint_concurrency: int = Field(2, ge=1)
    """Attempts at once to one endpoint, over all processes: a slow partner keeps no more threads than these.
    """
    webhook_lease_seconds: float = Field(60.0, gt=0)
    """After this long, a delivery whose deliverer died is attempted again; longer than an attempt can take.
    """
    webhook_endpoints_per_provider: int = Field(10, ge=1)
    webhook_resolve_timeout_seconds: float = Field(3.0, gt=0)
    """How long registering an endpoint waits for the DNS."""

    cooperatives: Annotated[str, AfterValidator(_slugs)] = ""
    """Slugs, separated by commas: a `deliver` process delivers the webhooks of these cooperatives, and
    nothing else.
    """
    cooperatives_apart: Annotated[str, AfterValidator(_slugs)] = ""
    """Slugs of the cooperatives that have a `deliver` process of their own: this one leaves their webhooks to
    it.
    """
    deliver_poll_seconds: float = Field(1.0, gt=0)
    """How often due work is looked for when nothing wakes the `deliver` process."""
    deliver_stop_grace_seconds: float = Field(20.0, gt=0)
    """How long attempts under way may take to finish when the process is asked to end."""

    message_retention_days: int = Field(730, ge=1)
    email_retention_days: int = Field(90, ge=1)
    delivery_log_retention_days: int = Field(30, ge=1)
    feed_retention_days: int = Field(400, ge=31)
    """Longer than the delivery log: a delivery is made from the event in the feed."""

    @property
    def served(self) -> Served:
        """Whose webhooks this process delivers."""
        return Served(only=slugs(self.cooperatives), but=slugs(self.cooperatives_apart))

    @field_validator("cooperatives_apart")
    @classmethod
    def _of_the_others(cls, text: str, info: ValidationInfo) -> str:
        if text and info.data.get("cooperatives"):
            raise ValueError("COOPERATIVES is set: a process that is apart has nothing to leave to others")
        return text

    @model_validator(mode="after")
    def _feed_outlives_deliveries(self) -> Self:
        if self.feed_retention_days <= self.delivery_log_retention_days:
            raise ValueError("FEED_RETENTION_DAYS must be greater than DELIVERY_LOG_RETENTION_DAYS")
        return self
