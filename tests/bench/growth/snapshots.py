"""The services' databases as they were at a volume, kept beside them until everything is measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import sql

from deploy.local.environment import SERVICES

ORIGINAL: Final = ""
"""The name of no copy: the databases themselves."""


class Snapshots:
    """On the server of `admin_url`, a superuser's libpq URL. Nobody else may be connected meanwhile."""

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url

    def take(self, name: str) -> None:
        """Copy the databases under that name."""
        create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY")
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            for service in SERVICES:
                copy, original = sql.Identifier(f"{service}_{name}"), sql.Identifier(service)
                connection.execute(create.format(copy, original, original))

    def urls(self, name: str = ORIGINAL) -> dict[str, str]:
        """libpq URLs of the databases or of their copies, by service."""
        server, suffix = self.admin_url.rsplit("/", 1)[0], f"_{name}" if name else ""
        return {service: f"{server}/{service}{suffix}" for service in SERVICES}

    @contextmanager
    def in_use(self, name: str) -> Iterator[None]:
        """During the block the copies stand in the databases' place."""
        if name == ORIGINAL:
            yield
            return
        self._rename({service: f"{service}_aside" for service in SERVICES})
        self._rename({f"{service}_{name}": service for service in SERVICES})
        try:
            yield
        finally:
            self._rename({service: f"{service}_{name}" for service in SERVICES})
            self._rename({f"{service}_aside": service for service in SERVICES})

    def _rename(self, names: dict[str, str]) -> None:
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            for old, new in names.items():
                connection.execute(rename.format(sql.Identifier(old), sql.Identifier(new)))
