"""SessionService: signing in and out."""

from __future__ import annotations

import grpc

from services.contracts.generated.ambito.identity.v1 import identity_pb2 as pb
from services.contracts.generated.ambito.identity.v1 import identity_pb2_grpc as pb_grpc
from services.identity.application.authenticate_client import authenticate_client
from services.identity.application.log_in import log_in
from services.identity.application.log_out import log_out
from services.identity.application.parts import Parts
from services.identity.application.refresh_session import refresh_session
from services.identity.entrypoints import translate


class SessionServicer(pb_grpc.SessionServiceServicer):
    """Translates, calls the use case, translates back."""

    def __init__(self, parts: Parts, jwks: str) -> None:
        """`jwks`: the public keys, JSON."""
        self._parts = parts
        self._jwks = jwks

    def LogIn(self, request: pb.LogInRequest, context: grpc.ServicerContext) -> pb.LogInResponse:
        done = log_in(
            self._parts,
            username=request.username,
            password=request.password,
            client_address=translate.client_address(context),
        )
        return pb.LogInResponse(
            tokens=translate.tokens(done.tokens),
            person_id="" if done.person_id is None else str(done.person_id),
            roles=sorted(done.roles),
            display_name=done.display_name,
        )

    def RefreshSession(
        self, request: pb.RefreshSessionRequest, context: grpc.ServicerContext
    ) -> pb.RefreshSessionResponse:
        issued = refresh_session(self._parts, refresh_token=request.refresh_token)
        return pb.RefreshSessionResponse(tokens=translate.tokens(issued))

    def LogOut(self, request: pb.LogOutRequest, context: grpc.ServicerContext) -> pb.LogOutResponse:
        log_out(self._parts, refresh_token=request.refresh_token)
        return pb.LogOutResponse()

    def AuthenticateClient(
        self, request: pb.AuthenticateClientRequest, context: grpc.ServicerContext
    ) -> pb.AuthenticateClientResponse:
        issued = authenticate_client(
            self._parts, client_id=request.client_id, client_secret=request.client_secret
        )
        return pb.AuthenticateClientResponse(tokens=translate.tokens(issued))

    def GetKeys(self, request: pb.GetKeysRequest, context: grpc.ServicerContext) -> pb.GetKeysResponse:
        return pb.GetKeysResponse(jwks=self._jwks)
