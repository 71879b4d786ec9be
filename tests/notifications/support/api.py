"""The gRPC API on a real server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.rpc.client import call, open_channel
from services.chassis.rpc.server import RpcServer
from services.chassis.tokens import TokenVerifier
from services.contracts.generated.ambito.notifications.v1 import notifications_pb2_grpc as pb_grpc
from services.notifications.entrypoints.grpc_api import build
from tests.notifications.support.world import World
from tests.support.tokens import TokenIssuer


class Api:
    """Calls methods by name, as whoever holds a token."""

    def __init__(self, server: RpcServer, channel: Any, issuer: TokenIssuer) -> None:
        self.server = server
        self._issuer = issuer
        self._stubs = [
            stub(channel)
            for stub in (pb_grpc.InboxServiceStub, pb_grpc.WebhookServiceStub, pb_grpc.FeedServiceStub)
        ]

    def who(
        self,
        *roles: str,
        subject: str = "somebody",
        person: UUID | None = None,
        acting_for: Mapping[UUID, Sequence[str]] | None = None,
    ) -> Caller:
        """A caller with a token."""
        claims: dict[str, Any] = {}
        if person is not None:
            claims["person"] = str(person)
        if acting_for:
            claims["acting_for"] = {str(other): list(powers) for other, powers in acting_for.items()}
        return Caller(subject, token=self._issuer.token(subject, *roles, **claims))

    def stream(self, method: str, request: Any, deadline_seconds: float = 20) -> Any:
        """The answers of a method that streams them, to nobody in particular; raises grpc.RpcError."""
        return getattr(self._stub(method), method)(request, timeout=deadline_seconds)

    def __call__(self, method: str, request: Any, caller: Caller = ANONYMOUS, key: str | None = None) -> Any:
        """The answer of a method; raises RemoteRefusal."""
        asked = getattr(self._stub(method), method)
        return call(asked, request, caller=caller, deadline_seconds=20, idempotency_key=key)

    def _stub(self, method: str) -> Any:
        return next(stub for stub in self._stubs if hasattr(stub, method))


@contextmanager
def serving(world: World, directory: Path) -> Iterator[Api]:
    """A started server and a client of it."""
    issuer = TokenIssuer(directory)
    server = RpcServer(
        "127.0.0.1:0",
        build(world.settings, world.database),
        TokenVerifier(issuer.jwks_file),
        check=world.database.ping,
    )
    server.start()
    channel = open_channel(f"127.0.0.1:{server.port}")
    yield Api(server, channel, issuer)
    channel.close()
    server.stop(5)
