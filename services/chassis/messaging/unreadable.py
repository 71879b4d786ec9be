"""Messages whose properties the client library cannot read, such as a text that is not UTF-8.

Over one of them it would lose the connection, at every delivery again, and with it everything else that is
under way there. Where this module is imported, such a message comes in with its body, and with why it cannot
be read in place of its properties. Only the broker can carry it on as it is: see `Settled.REJECT`.
"""

from collections.abc import Mapping
from typing import Any, Final

from amqp import serialization, spec

_WHY: Final = "unreadable"  # no property of AMQP's
_read_properties: Final = serialization.PROPERTY_CLASSES[spec.Basic.CLASS_ID]


def why_unreadable(properties: Mapping[str, Any]) -> str | None:
    """What is wrong with a message's properties; None if they could be read."""
    return properties.get(_WHY)


def _read(frame: bytes, offset: int) -> tuple[dict[str, Any], int]:
    try:
        properties, offset = _read_properties(frame, offset)
    except Exception as error:  # noqa: BLE001 - text, numbers, instants, depth: each fails in its own way
        return {_WHY: type(error).__name__}, len(frame)
    return properties, offset


serialization.PROPERTY_CLASSES[spec.Basic.CLASS_ID] = _read
