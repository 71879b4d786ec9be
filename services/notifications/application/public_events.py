"""Which events this service listens to, and which of them cooperatives can receive."""

from typing import Final

from services.contracts.events import catalogue, identity, notifications, vouchers
from services.contracts.events.base import EventData

_MODULES: Final = (catalogue, identity, notifications, vouchers)

PUBLIC_EVENTS: Final[dict[str, type[EventData]]] = {
    model.event_type(): model
    for module in _MODULES
    for model in vars(module).values()
    if isinstance(model, type) and issubclass(model, EventData) and hasattr(model, "verb") and model.public
}
"""Every public event, also those that nobody has thought of yet when this was written, by type."""

PUBLIC_EVENT_TYPES: Final = frozenset(PUBLIC_EVENTS)

_TOLD: Final[frozenset[type[EventData]]] = frozenset(
    {
        identity.PersonRegistered,
        identity.PersonContactChanged,
        identity.DelegationGranted,
        identity.DelegationRevoked,
        catalogue.ProviderPublished,
        catalogue.BookingConfirmed,
        catalogue.BookingCancelled,
        catalogue.BookingDelivered,
        vouchers.VoucherIssued,
        vouchers.VoucherExhausted,
    }
)

CONSUMED_EVENT_TYPES: Final = PUBLIC_EVENT_TYPES | {model.event_type() for model in _TOLD}
"""Everything the worker handles."""
