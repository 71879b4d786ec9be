"""Identifiers."""

import uuid

import uuid_utils.compat


def new_id() -> uuid.UUID:
    """A new UUIDv7: unique without coordination, and ordered by time so that indexes grow at one end."""
    return uuid_utils.compat.uuid7()
