"""The gRPC process of identity."""

from __future__ import annotations

import json

from services.chassis.database import Database
from services.chassis.errors import CannotRunError
from services.chassis.rpc.server import Servicers
from services.contracts.generated.ambito.identity.v1 import identity_pb2_grpc as pb_grpc
from services.identity import bootstrap
from services.identity.application.parts import Parts
from services.identity.entrypoints.grpc_delegations import DelegationServicer
from services.identity.entrypoints.grpc_persons import PersonServicer
from services.identity.entrypoints.grpc_sessions import SessionServicer
from services.identity.settings import IdentitySettings


def build(settings: IdentitySettings, database: Database) -> Servicers:
    """The servicers with everything they need. CannotRunError if a key is amiss.

    A token whose key is not in the JWKS file would be refused by everybody: better not to sign any.
    """
    parts = bootstrap.parts(settings, database)
    try:
        jwks = settings.jwks_file.read_text()
        published = json.loads(jwks)["keys"]
    except (OSError, ValueError, KeyError) as error:
        raise CannotRunError(f"{settings.jwks_file} is no JSON Web Key Set: {error}") from error
    (own,) = parts.signer.jwks()["keys"]
    if own not in published:
        raise CannotRunError(f"the public half of signing key {own['kid']} is not in {settings.jwks_file}")
    return servicers(parts, jwks)


def servicers(parts: Parts, jwks: str) -> Servicers:
    return [
        (pb_grpc.add_PersonServiceServicer_to_server, PersonServicer(parts)),
        (pb_grpc.add_SessionServiceServicer_to_server, SessionServicer(parts, jwks)),
        (pb_grpc.add_DelegationServiceServicer_to_server, DelegationServicer(parts)),
    ]
