"""What the worker does: handlers of events, and scheduled jobs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

import sqlalchemy as sa

from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.jobs import Job
from services.chassis.messaging.received import Received, Subscription, one_by_one
from services.contracts.events.base import EventData
from services.contracts.events.catalogue import BookingEvent, ProviderPublished
from services.contracts.events.identity import (
    DelegationGranted,
    DelegationRevoked,
    PersonContactChanged,
    PersonRegistered,
)
from services.contracts.events.vouchers import VoucherExhausted, VoucherIssued
from services.notifications.application.feed_events import feed_events
from services.notifications.application.keep_contact import KeepContact
from services.notifications.application.keep_delegation import keep_granted, keep_revoked
from services.notifications.application.news_of_bookings import NOTICES, news_of_booking
from services.notifications.application.news_of_vouchers import news_of_exhaustion, news_of_issue
from services.notifications.application.public_events import PUBLIC_EVENT_TYPES
from services.notifications.application.purge import purge
from services.notifications.application.tell import Tell
from services.notifications.bootstrap import contact_seals
from services.notifications.domain.notice import News
from services.notifications.persistence import names
from services.notifications.settings import NotificationsSettings

_PURGE_EVERY_SECONDS = 3_600.0
_BOOKINGS: dict[str, type[BookingEvent]] = {model.event_type(): model for model in NOTICES}


def subscriptions(settings: NotificationsSettings, _database: Database) -> Sequence[Subscription]:
    """The feed first: a notice that has to wait for a person delays no cooperative."""
    handlers = Handlers(KeepContact(contact_seals(settings)), Tell(SystemClock()))
    contacts = _types(PersonRegistered, PersonContactChanged)
    delegations = _types(DelegationGranted, DelegationRevoked)
    news = _types(VoucherIssued, VoucherExhausted)
    return [
        Subscription("notifications.feed", PUBLIC_EVENT_TYPES, feed_events, together=True),
        Subscription("notifications.contacts", contacts, one_by_one(handlers.contact), together=True),
        Subscription(
            "notifications.delegations", delegations, one_by_one(handlers.delegation), together=True
        ),
        Subscription(
            "notifications.names", _types(ProviderPublished), one_by_one(handlers.name), together=True
        ),
        Subscription("notifications.bookings", frozenset(_BOOKINGS), handlers.bookings, together=True),
        Subscription("notifications.vouchers", news, handlers.vouchers, together=True),
    ]


def jobs(settings: NotificationsSettings, _database: Database) -> Sequence[Job]:
    """Once an hour, what is past its retention goes."""
    run = partial(_purge, settings)
    return [Job("purge", _PURGE_EVERY_SECONDS, run)]


def _purge(settings: NotificationsSettings, database: Database) -> None:
    purge(database, SystemClock(), settings)


class Handlers:
    """From a message to a use case."""

    def __init__(self, keep_contact: KeepContact, tell: Tell) -> None:
        self._keep_contact = keep_contact
        self._tell = tell

    def contact(self, connection: sa.Connection, received: Received) -> None:
        self._keep_contact(connection, received.parse(PersonRegistered), received.sequence)

    def delegation(self, connection: sa.Connection, received: Received) -> None:
        if received.type == DelegationGranted.event_type():
            keep_granted(connection, received.parse(DelegationGranted), received.sequence)
        else:
            keep_revoked(connection, received.parse(DelegationRevoked), received.sequence)

    def name(self, connection: sa.Connection, received: Received) -> None:
        provider = received.parse(ProviderPublished)
        names.keep_provider(connection, provider.provider, provider.name, received.sequence)

    def bookings(self, connection: sa.Connection, events: Sequence[Received]) -> None:
        news = [news_of_booking(event.id, event.parse(_BOOKINGS[event.type])) for event in events]
        self._tell(connection, _traced(news, events))

    def vouchers(self, connection: sa.Connection, events: Sequence[Received]) -> None:
        self._tell(connection, _traced(map(_news_of_voucher, events), events))


def _news_of_voucher(event: Received) -> News:
    if event.type == VoucherIssued.event_type():
        return news_of_issue(event.id, event.parse(VoucherIssued))
    return news_of_exhaustion(event.id, event.parse(VoucherExhausted))


def _traced(news: Iterable[News], events: Iterable[Received]) -> list[News]:
    return [replace(told, traceparent=event.traceparent) for told, event in zip(news, events, strict=True)]


def _types(*models: type[EventData]) -> frozenset[str]:
    return frozenset(model.event_type() for model in models)
