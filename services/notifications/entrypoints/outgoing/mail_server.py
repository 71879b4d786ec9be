"""Handing e-mails to the mail server (SMTP, RFC 5321)."""

from __future__ import annotations

import queue
import quopri
import select
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

from services.chassis.clock import Clock
from services.notifications.application.deliver_email import Email, NotSent

_KEPT_SECONDS = 60.0
_DEFAULT_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class _Headers(HeaderRegistry):
    """Makes the class of a kind of headers once; the library's own makes it for every header it looks at."""

    def __init__(self) -> None:
        super().__init__()
        self._classes: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - as inherited
        if name not in self._classes:
            self._classes[name] = super().__getitem__(name)
        return self._classes[name]


class MailServer:
    """Sends e-mails, from any number of threads at once.

    A connection is used again while e-mails follow one another: with TLS it takes longer to make than an
    e-mail to send, and mail servers count connections.
    """

    def __init__(self, url: str, *, sender: str, timeout_seconds: float, clock: Clock) -> None:
        """`url`: `smtp://`, `smtp+starttls://` or `smtps://`, then `[user:password@]host[:port]`. ValueError
        else.

        `timeout_seconds` is for each step of the conversation.
        """
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError("SMTP_URL must be like smtp://host:port, smtp+starttls://… or smtps://…")
        self._scheme = parts.scheme
        self._host = parts.hostname
        self._port = parts.port or _DEFAULT_PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        name, self._sender = parseaddr(sender)
        self._from = Address(name, addr_spec=self._sender)
        headers = _Headers()
        self._policy = SMTP.clone(header_factory=headers)
        # Made once, for every e-mail: reading a header's value is what makes an e-mail expensive.
        self._always = {
            name: headers(name, value)
            for name, value in {
                "From": self._from,
                "Auto-Submitted": "auto-generated",  # RFC 3834: no vacation notices, please
                "MIME-Version": "1.0",
                "Content-Type": 'text/plain; charset="utf-8"',
                "Content-Transfer-Encoding": "quoted-printable",
            }.items()
        }
        self._timeout_seconds = timeout_seconds
        # Made once: reading all certificate authorities takes longer than sending an e-mail.
        self._tls = ssl.create_default_context() if self._scheme != "smtp" else None
        self._clock = clock
        self._idle: queue.LifoQueue[tuple[smtplib.SMTP, float]] = queue.LifoQueue()

    @property
    def domain(self) -> str:
        """The sender's domain, on whose behalf Message-IDs are given."""
        return self._from.domain

    def __call__(self, email: Email) -> None:
        """Returns once the server has taken responsibility for the e-mail. Raises NotSent."""
        message = self._message(email)
        with _translated():
            server = self._kept() or self._connect()
            try:
                server.send_message(message, from_addr=self._sender, to_addrs=[email.to])
            except BaseException:
                server.close()  # in what state it is, nobody knows
                raise
            self._idle.put((server, time.monotonic()))

    def close(self) -> None:
        """Hang up where nothing is under way."""
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait()[0].close()

    def _message(self, email: Email) -> EmailMessage:
        message = EmailMessage(policy=self._policy)
        try:
            message["To"] = Address(addr_spec=email.to)
        except (ValueError, IndexError) as error:  # what the parser raises for what is no address
            raise NotSent("not an address", for_good=True) from error
        for name, value in self._always.items():
            message[name] = value
        message["Subject"] = email.subject
        message["Message-ID"] = email.message_id
        message["Date"] = format_datetime(self._clock.now())
        message["Content-Language"] = email.language
        message.set_payload(quopri.encodestring(email.text.encode()).decode("ascii"))
        return message

    def _kept(self) -> smtplib.SMTP | None:
        """A connection that nobody uses and that still works, if there is one."""
        with suppress(queue.Empty):
            while True:
                server, used_at = self._idle.get_nowait()
                # Servers hang up on those who are silent; they say so unasked.
                if time.monotonic() - used_at < _KEPT_SECONDS and not _has_spoken(server.sock):
                    return server
                server.close()
        return None

    def _connect(self) -> smtplib.SMTP:
        if self._scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout_seconds, context=self._tls
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout_seconds)
        try:
            if self._scheme == "smtp+starttls":
                server.starttls(context=self._tls)
            if self._user:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server


def _has_spoken(sock: socket.socket | None) -> bool:
    """Whether there is something to read: a farewell, or the end. Asking (NOOP) would cost a round trip."""
    if sock is None:
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


@contextmanager
def _translated() -> Iterator[None]:
    """The server's words often repeat the address; only its numbers are kept."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code = min((answer[0] for answer in error.recipients.values()), default=450)
        raise NotSent(f"recipient refused: {code}", for_good=code >= 500) from error
    except smtplib.SMTPAuthenticationError as error:
        raise NotSent(f"authentication refused: {error.smtp_code}") from error
    except smtplib.SMTPSenderRefused as error:
        raise NotSent(f"sender refused: {error.smtp_code}") from error
    except smtplib.SMTPDataError as error:
        raise NotSent(f"message refused: {error.smtp_code}", for_good=error.smtp_code >= 500) from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(type(error).__name__) from error
