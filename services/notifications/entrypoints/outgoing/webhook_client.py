"""One POST to one receiver that nobody here controls.

The connection goes to an address that was checked, whatever the name says by then; the certificate is checked
against the name. No redirects, no proxies, no cookies. One limit for the whole exchange, and only the
beginning of the answer is read: a receiver that trickles bytes or never ends gains nothing.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpcore

from services.chassis.clock import Clock
from services.notifications.domain.addresses import Address
from services.notifications.domain.endpoint_url import EndpointUrl
from services.notifications.domain.retry import parse_retry_after
from services.notifications.domain.webhook import Answer

_MAX_ANSWER_BYTES = 16 * 1024
_HTML = "answered with a web page: is this address really the webhook's?"


@dataclass(frozen=True, slots=True)
class WebhookClient:
    """Sends webhooks. `timeout_seconds` is for connecting, sending and the answer together."""

    timeout_seconds: float
    clock: Clock
    # Made once: reading all certificate authorities takes longer than sending a webhook.
    ssl_context: ssl.SSLContext = field(default_factory=httpcore.default_ssl_context)

    def __call__(
        self, url: EndpointUrl, addresses: Sequence[Address], headers: dict[str, str], body: bytes
    ) -> Answer:
        """Posts, and reports the answer, or status 0 and the reason why there is none."""
        at = self.clock.now()
        started = time.monotonic()
        status, error, retry_after = 0, "", None
        try:
            backend = _Pinned(addresses, _Deadline(started + self.timeout_seconds))
            with (
                httpcore.ConnectionPool(ssl_context=self.ssl_context, network_backend=backend) as pool,
                pool.stream("POST", _url(url), headers=_headers(url, headers), content=body) as response,
            ):
                status = response.status
                found = {name.lower(): value.decode("latin-1") for name, value in response.headers}
                retry_after = found.get(b"retry-after")
                if 200 <= status < 300 and found.get(b"content-type", "").lower().startswith("text/html"):
                    error = _HTML
                _read_some(response)
        # Once there is a status, the receiver has answered, however the connection ends.
        except httpcore.TimeoutException:
            error = error if status else f"no answer within {self.timeout_seconds:g} s"
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as failure:
            error = error if status else _reason(failure)
        return Answer(
            status=status,
            at=at,
            milliseconds=round((time.monotonic() - started) * 1000),
            error=error,
            retry_after=parse_retry_after(retry_after, self.clock.now()) if status else None,
        )


class _Deadline:
    """The end of the whole exchange, as an instant of time.monotonic()."""

    def __init__(self, at: float) -> None:
        self._at = at

    def left(self, raising: type[httpcore.TimeoutException]) -> float:
        """Seconds, always more than none; raises when the time is over."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise raising
        return left


class _Pinned(httpcore.NetworkBackend):
    """Connects to one of the given addresses, whichever host it is asked for."""

    def __init__(self, addresses: Sequence[Address], deadline: _Deadline) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for tried, address in enumerate(self._addresses):
            # A share of the time for each, so that an address that swallows packets leaves some for the next.
            share = self._deadline.left(httpcore.ConnectTimeout) / (len(self._addresses) - tried)
            try:
                stream = self._backend.connect_tcp(str(address), port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Timed(stream, self._deadline)
        raise failure


class _Timed(httpcore.NetworkStream):
    """A stream on which no single step outlasts the whole."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(httpcore.ConnectTimeout)
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as inherited
        return self._stream.get_extra_info(info)


def _url(url: EndpointUrl) -> httpcore.URL:
    return httpcore.URL(
        scheme=url.scheme.encode(), host=url.host.encode(), port=url.port, target=url.target.encode()
    )


def _headers(url: EndpointUrl, headers: dict[str, str]) -> list[tuple[str, str]]:
    return [
        ("host", url.authority),
        ("connection", "close"),
        ("accept-encoding", "identity"),
        *headers.items(),
    ]


def _read_some(response: httpcore.Response) -> None:
    size = 0
    for chunk in response.iter_stream():
        size += len(chunk)
        if size >= _MAX_ANSWER_BYTES:
            return


def _reason(failure: Exception) -> str:
    """What went wrong, in the words of the network library, which name no more than host and certificate."""
    return f"{type(failure).__name__}: {failure}"[:200]
