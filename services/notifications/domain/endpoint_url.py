"""The URL of a cooperative's webhook endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from services.chassis.refusal import InvalidField
from services.notifications.domain.addresses import Address, AddressRules

_MAX_CHARACTERS = 2_000
_DEFAULT_PORTS = {"https": 443, "http": 80}
_FIRST_UNPRIVILEGED_PORT = 1_024


@dataclass(frozen=True, slots=True)
class EndpointUrl:
    """The parts by which the endpoint is called: no other parser ever looks at the text again."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query, as they go into the request line."""

    @property
    def authority(self) -> str:
        """For the Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> EndpointUrl:
        """Reads a URL. Raises InvalidField `url` with the reason."""
        if len(text) > _MAX_CHARACTERS:
            raise _refused(
                f"L'indirizzo può avere al massimo {_MAX_CHARACTERS} caratteri.",
                f"The address may have at most {_MAX_CHARACTERS} characters.",
            )
        # Before any parser that would silently drop a line break or take a backslash for a slash.
        if any(not "!" <= character <= "~" or character in '\\"<>^`{|}' for character in text):
            raise _refused(
                "L'indirizzo contiene caratteri non ammessi.",
                "The address contains characters that are not allowed.",
            )
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise _refused("L'indirizzo non è un URL valido.", "The address is not a valid URL.") from None
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise _refused("L'indirizzo deve iniziare con https://.", "The address must begin with https://.")
        if parts.username is not None or parts.password is not None:
            raise _refused(
                "L'indirizzo non può contenere utente o password.",
                "The address may not contain a user or password.",
            )
        if "#" in text:
            raise _refused("L'indirizzo non può contenere #.", "The address may not contain #.")
        default = _DEFAULT_PORTS[parts.scheme]
        if port is not None and port != default and port < _FIRST_UNPRIVILEGED_PORT:
            raise _refused(
                f"La porta deve essere {default} o almeno {_FIRST_UNPRIVILEGED_PORT}.",
                f"The port must be {default} or at least {_FIRST_UNPRIVILEGED_PORT}.",
            )
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.scheme, parts.hostname, default if port is None else port, target)

    def check(self, addresses: Sequence[Address], rules: AddressRules) -> None:
        """Raises InvalidField `url` unless the endpoint may be called at these addresses of its host."""
        if not addresses:
            raise _refused("Il nome dell'host non è noto al DNS.", "The host name is not known to the DNS.")
        if rules.refuse_any(addresses):
            raise _refused(
                "L'indirizzo porta a una rete privata o riservata.",
                "The address leads to a private or reserved network.",
            )
        if self.scheme != "https" and not rules.except_all(addresses):
            raise _refused("L'indirizzo deve iniziare con https://.", "The address must begin with https://.")


def _refused(it: str, en: str) -> InvalidField:
    return InvalidField(field="url", it=it, en=en)
