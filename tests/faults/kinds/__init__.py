"""Every kind of fault there is."""

from __future__ import annotations

from tests.faults.fault import Fault
from tests.faults.kinds import (
    broker,
    clients,
    clocks,
    crashes,
    database,
    messages,
    network,
    processes,
    webhooks,
)

ALL: tuple[Fault, ...] = (
    *processes.FAULTS,
    *broker.FAULTS,
    *database.FAULTS,
    *messages.FAULTS,
    *webhooks.FAULTS,
    *clients.FAULTS,
    *clocks.FAULTS,
    *crashes.FAULTS,
    *network.FAULTS,
)
BY_NAME = {fault.name: fault for fault in ALL}
