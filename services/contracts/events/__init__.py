"""Every event that crosses a service's border: its type, its data, an example, and who may hear of it."""

from services.contracts.events.base import EventData, routing_key

__all__ = ["EventData", "routing_key"]
