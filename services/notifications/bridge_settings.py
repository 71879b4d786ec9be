"""Settings of the `bridge` process, which has no database."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.chassis.settings import ServiceSettings
from services.notifications.domain.served import slugs


def _one_slug(text: str) -> str:
    if len(slugs(text)) != 1:
        raise ValueError("a bridge is of one cooperative")
    return text.strip()


class BridgeSettings(BaseSettings):
    """What the process reads from its environment. A secret may be given as a file in /run/secrets."""

    model_config = SettingsConfigDict(
        secrets_dir=ServiceSettings.model_config.get("secrets_dir"), extra="ignore", frozen=True
    )

    cooperatives: Annotated[str, AfterValidator(_one_slug)]
    """The slug of the cooperative whose events are passed on."""
    amqp_url: str
    """Our broker, with a user who may read the cooperative's queue; without the password. Of several nodes:
    their URLs with `;` between them."""
    amqp_password: str
    bridge_plain_allowed: bool = False
    """Whether the cooperative's broker may be reached without TLS: only in a network of its own."""
    bridge_target_url: str
    """The cooperative's broker: `amqps://user:password@host:port/vhost`."""
    bridge_target_exchange: str = "ambito"
    """Where events are published there, with the routing keys that they have here; it must exist."""
    bridge_target_authorities: Path | None = None
    """Who must have signed the certificate of the cooperative's broker (PEM); None: whom the system
    trusts."""
    bridge_prefetch: int = Field(100, ge=1, le=1_000)
    """Events held at once, none of them acknowledged before the cooperative's broker has it."""
    bridge_confirm_timeout_seconds: float = Field(10.0, gt=0)
    bridge_retry_maximum_seconds: float = Field(60.0, gt=0)
    """Longest pause before a broker that is away, or takes nothing, is tried again."""
    broker_heartbeat_seconds: int = Field(20, ge=4)
    ops_bind: str = "127.0.0.1:9100"
    log_level: str = "INFO"

    @field_validator("bridge_target_url")
    @classmethod
    def _is_confidential(cls, url: str, info: ValidationInfo) -> str:
        allowed = ("amqps", "amqp") if info.data.get("bridge_plain_allowed") else ("amqps",)
        if urlsplit(url).scheme not in allowed:
            raise ValueError("not an amqps:// URL; BRIDGE_PLAIN_ALLOWED permits amqp://")
        return url

    @field_validator("amqp_password", "bridge_target_url", mode="before")
    @classmethod
    def _without_line_end(cls, text: object) -> object:
        return text.strip() if isinstance(text, str) else text

    @property
    def queue(self) -> str:
        """The cooperative's queue, as its contract names it."""
        return f"coop.{self.cooperatives}"

    @property
    def source_url(self) -> str:
        """Our broker, with the password."""
        return ";".join(map(self._with_password, self.amqp_url.split(";")))

    def _with_password(self, url: str) -> str:
        at = urlsplit(url)
        place = at.netloc.rpartition("@")[2]
        return at._replace(netloc=f"{at.username}:{quote(self.amqp_password, safe='')}@{place}").geturl()
