"""A real SMTP server that keeps what it is given, or refuses as the test tells it to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from deploy.local.ports import free_port


class MailSink:
    """`rcpt_replies` and `data_replies` answer the next recipients and messages instead of accepting them."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.envelopes: list[list[str]] = []
        self.rcpt_replies: list[str] = []
        self.data_replies: list[str] = []
        self.connections = 0
        self.port = free_port()

    def start(self) -> None:
        """Answers on its port; again, after `stop`."""
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        """Hangs up on everybody."""
        self._controller.stop()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_EHLO(  # as aiosmtpd calls it
        self, _server: Any, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # as aiosmtpd calls it
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if self.rcpt_replies:
            return self.rcpt_replies.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # as above
        if self.data_replies:
            return self.data_replies.pop(0)
        message = BytesParser(policy=default).parsebytes(envelope.content)
        assert isinstance(message, EmailMessage)
        self.received.append(message)
        self.envelopes.append(list(envelope.rcpt_tos))
        return "250 OK"


@contextmanager
def mail_sink() -> Iterator[MailSink]:
    """A started sink, stopped at the end."""
    sink = MailSink()
    sink.start()
    yield sink
    sink.stop()
