"""What catalogue answers, as messages of its proto."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from services.catalogue.application.list_providers import ShownProvider
from services.catalogue.domain.booking import Booking
from services.chassis.rpc.timestamps import timestamp
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2 as pb

Row = sa.Row[Any]


def booking_message(booking: Booking, reason: str) -> pb.Booking:
    """A booking, and why it ended as far as it is to be told."""
    return pb.Booking(
        id=str(booking.id),
        state=booking.state.value,
        person_id=str(booking.person_id),
        service=booking.service,
        provider=booking.provider,
        slot_id=str(booking.slot_id),
        comune=booking.comune,
        voucher_id="" if booking.voucher_id is None else str(booking.voucher_id),
        minutes=booking.minutes,
        price_cents=booking.price_cents,
        starts_at=timestamp(booking.starts_at),
        ends_at=timestamp(booking.ends_at),
        local_start=booking.local_start.isoformat(),
        reason=reason,
        cancelled_by=booking.cancelled_by or "",
        created_at=timestamp(booking.created_at),
        version=booking.version,
    )


def slot_message(row: Row) -> pb.Slot:
    """A free slot."""
    return pb.Slot(
        id=row.id,
        provider=row.provider,
        starts_at=timestamp(row.starts_at),
        ends_at=timestamp(row.ends_at),
        local_start=_local(row.starts_at, row.zone),
        free=row.free,
        capacity=row.capacity,
    )


@lru_cache(maxsize=8_192)  # many slots begin at the same time, and a month is asked for again and again
def _local(instant: datetime, zone: str) -> str:
    return instant.astimezone(ZoneInfo(zone)).isoformat()


def service_message(row: Row, offerings: Iterable[Row] = ()) -> pb.Service:
    """A service, with its offerings in the order given."""
    return pb.Service(
        slug=row.slug,
        category=row.category,
        section=row.section,
        kind=row.kind,
        name=pb.Text(it=row.name_it, en=row.name_en),
        description=pb.Text(it=row.description_it, en=row.description_en),
        target_group=row.target_it,
        duration_minutes=row.duration_minutes,
        price_cents=row.price_cents,
        measures=row.measures,
        offerings=[
            pb.Offering(
                id=offering.id,
                provider=offering.provider,
                provider_name=offering.provider_name,
                comuni=offering.comuni,
            )
            for offering in offerings
        ],
    )


def provider_message(shown: ShownProvider) -> pb.Provider:
    """A cooperative with its entries in the register."""
    row = shown.provider
    return pb.Provider(
        slug=row.slug,
        name=row.name,
        description=pb.Text(it=row.description_it, en=row.description_en),
        email=row.email,
        phone=row.phone,
        accreditations=[accreditation_message(entry) for entry in shown.accreditations],
    )


def accreditation_message(entry: Any) -> pb.Accreditation:  # noqa: ANN401 - a row or an Accreditation
    """An entry in the register."""
    return pb.Accreditation(
        section=entry.section,
        state=str(entry.state),
        valid_from=entry.valid_from.isoformat(),
        valid_to=entry.valid_to.isoformat(),
    )


def social_point_message(row: Row) -> pb.SocialPoint:
    """A Social Point."""
    return pb.SocialPoint(**row._mapping)


def comune_message(row: Row) -> pb.Comune:
    """A comune."""
    return pb.Comune(code=row.code, istat=row.istat, name=row.name, cap=row.cap)
