"""What catalogue is made of. Parts are named, not imported: each process loads only its own."""

from __future__ import annotations

from typing import Final

from services.chassis.definition import ServiceDefinition

SERVICE: Final = ServiceDefinition(
    name="catalogue",
    settings="services.catalogue.settings:Settings",
    migrations="services.catalogue.persistence.migrations",
    grpc="services.catalogue.entrypoints.grpc_api:build",
    subscriptions="services.catalogue.entrypoints.worker:subscriptions",
    jobs="services.catalogue.entrypoints.worker:jobs",
    consumes=frozenset({"ambito.identity.person.registered.v1", "ambito.identity.person.contact-changed.v1"}),
    cli="services.catalogue.entrypoints.cli:app",
)
