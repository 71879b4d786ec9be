"""Events: written with the change they tell of, published by the relay, handled once by each consumer."""

from services.chassis.messaging.event import Event
from services.chassis.messaging.outbox import Outbox
from services.chassis.messaging.received import PermanentFailure, Received, Subscription, one_by_one
from services.chassis.messaging.tables import MessagingTables, create_messaging_v1, messaging_tables

__all__ = [
    "Event",
    "MessagingTables",
    "Outbox",
    "PermanentFailure",
    "Received",
    "Subscription",
    "create_messaging_v1",
    "messaging_tables",
    "one_by_one",
]
