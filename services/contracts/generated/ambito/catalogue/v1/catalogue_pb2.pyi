import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Text(_message.Message):
    __slots__ = ("it", "en")
    IT_FIELD_NUMBER: _ClassVar[int]
    EN_FIELD_NUMBER: _ClassVar[int]
    it: str
    en: str
    def __init__(self, it: _Optional[str] = ..., en: _Optional[str] = ...) -> None: ...

class Comune(_message.Message):
    __slots__ = ("code", "istat", "name", "cap")
    CODE_FIELD_NUMBER: _ClassVar[int]
    ISTAT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CAP_FIELD_NUMBER: _ClassVar[int]
    code: str
    istat: str
    name: str
    cap: str
    def __init__(self, code: _Optional[str] = ..., istat: _Optional[str] = ..., name: _Optional[str] = ..., cap: _Optional[str] = ...) -> None: ...

class SocialPoint(_message.Message):
    __slots__ = ("slug", "name", "comune", "address", "phone", "opening_hours")
    SLUG_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    COMUNE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    OPENING_HOURS_FIELD_NUMBER: _ClassVar[int]
    slug: str
    name: str
    comune: str
    address: str
    phone: str
    opening_hours: str
    def __init__(self, slug: _Optional[str] = ..., name: _Optional[str] = ..., comune: _Optional[str] = ..., address: _Optional[str] = ..., phone: _Optional[str] = ..., opening_hours: _Optional[str] = ...) -> None: ...

class Accreditation(_message.Message):
    __slots__ = ("section", "state", "valid_from", "valid_to")
    SECTION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    section: str
    state: str
    valid_from: str
    valid_to: str
    def __init__(self, section: _Optional[str] = ..., state: _Optional[str] = ..., valid_from: _Optional[str] = ..., valid_to: _Optional[str] = ...) -> None: ...

class Provider(_message.Message):
    __slots__ = ("slug", "name", "description", "email", "phone", "website", "accreditations")
    SLUG_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    WEBSITE_FIELD_NUMBER: _ClassVar[int]
    ACCREDITATIONS_FIELD_NUMBER: _ClassVar[int]
    slug: str
    name: str
    description: Text
    email: str
    phone: str
    website: str
    accreditations: _containers.RepeatedCompositeFieldContainer[Accreditation]
    def __init__(self, slug: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[_Union[Text, _Mapping]] = ..., email: _Optional[str] = ..., phone: _Optional[str] = ..., website: _Optional[str] = ..., accreditations: _Optional[_Iterable[_Union[Accreditation, _Mapping]]] = ...) -> None: ...

class Offering(_message.Message):
    __slots__ = ("id", "provider", "provider_name", "comuni")
    ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_NAME_FIELD_NUMBER: _ClassVar[int]
    COMUNI_FIELD_NUMBER: _ClassVar[int]
    id: str
    provider: str
    provider_name: str
    comuni: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., provider: _Optional[str] = ..., provider_name: _Optional[str] = ..., comuni: _Optional[_Iterable[str]] = ...) -> None: ...

class Service(_message.Message):
    __slots__ = ("slug", "category", "section", "kind", "name", "description", "target_group", "duration_minutes", "price_cents", "measures", "offerings")
    SLUG_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    SECTION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TARGET_GROUP_FIELD_NUMBER: _ClassVar[int]
    DURATION_MINUTES_FIELD_NUMBER: _ClassVar[int]
    PRICE_CENTS_FIELD_NUMBER: _ClassVar[int]
    MEASURES_FIELD_NUMBER: _ClassVar[int]
    OFFERINGS_FIELD_NUMBER: _ClassVar[int]
    slug: str
    category: str
    section: str
    kind: str
    name: Text
    description: Text
    target_group: str
    duration_minutes: int
    price_cents: int
    measures: _containers.RepeatedScalarFieldContainer[str]
    offerings: _containers.RepeatedCompositeFieldContainer[Offering]
    def __init__(self, slug: _Optional[str] = ..., category: _Optional[str] = ..., section: _Optional[str] = ..., kind: _Optional[str] = ..., name: _Optional[_Union[Text, _Mapping]] = ..., description: _Optional[_Union[Text, _Mapping]] = ..., target_group: _Optional[str] = ..., duration_minutes: _Optional[int] = ..., price_cents: _Optional[int] = ..., measures: _Optional[_Iterable[str]] = ..., offerings: _Optional[_Iterable[_Union[Offering, _Mapping]]] = ...) -> None: ...

class SearchServicesRequest(_message.Message):
    __slots__ = ("q", "category", "comune", "kind", "provider", "limit", "cursor")
    Q_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    COMUNE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    q: str
    category: str
    comune: str
    kind: str
    provider: str
    limit: int
    cursor: str
    def __init__(self, q: _Optional[str] = ..., category: _Optional[str] = ..., comune: _Optional[str] = ..., kind: _Optional[str] = ..., provider: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class SearchServicesResponse(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Service]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[Service, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class GetServiceRequest(_message.Message):
    __slots__ = ("slug",)
    SLUG_FIELD_NUMBER: _ClassVar[int]
    slug: str
    def __init__(self, slug: _Optional[str] = ...) -> None: ...

class GetServiceResponse(_message.Message):
    __slots__ = ("service", "order_seed")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    ORDER_SEED_FIELD_NUMBER: _ClassVar[int]
    service: Service
    order_seed: str
    def __init__(self, service: _Optional[_Union[Service, _Mapping]] = ..., order_seed: _Optional[str] = ...) -> None: ...

class ListProvidersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListProvidersResponse(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Provider]
    def __init__(self, items: _Optional[_Iterable[_Union[Provider, _Mapping]]] = ...) -> None: ...

class GetProviderRequest(_message.Message):
    __slots__ = ("slug",)
    SLUG_FIELD_NUMBER: _ClassVar[int]
    slug: str
    def __init__(self, slug: _Optional[str] = ...) -> None: ...

class GetProviderResponse(_message.Message):
    __slots__ = ("provider",)
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    provider: Provider
    def __init__(self, provider: _Optional[_Union[Provider, _Mapping]] = ...) -> None: ...

class ListSocialPointsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListSocialPointsResponse(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[SocialPoint]
    def __init__(self, items: _Optional[_Iterable[_Union[SocialPoint, _Mapping]]] = ...) -> None: ...

class ListComuniRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListComuniResponse(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Comune]
    def __init__(self, items: _Optional[_Iterable[_Union[Comune, _Mapping]]] = ...) -> None: ...

class ListSlotsRequest(_message.Message):
    __slots__ = ("service", "provider", "comune", "from_date", "to_date")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    COMUNE_FIELD_NUMBER: _ClassVar[int]
    FROM_DATE_FIELD_NUMBER: _ClassVar[int]
    TO_DATE_FIELD_NUMBER: _ClassVar[int]
    service: str
    provider: str
    comune: str
    from_date: str
    to_date: str
    def __init__(self, service: _Optional[str] = ..., provider: _Optional[str] = ..., comune: _Optional[str] = ..., from_date: _Optional[str] = ..., to_date: _Optional[str] = ...) -> None: ...

class Slot(_message.Message):
    __slots__ = ("id", "provider", "starts_at", "ends_at", "local_start", "free", "capacity")
    ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    STARTS_AT_FIELD_NUMBER: _ClassVar[int]
    ENDS_AT_FIELD_NUMBER: _ClassVar[int]
    LOCAL_START_FIELD_NUMBER: _ClassVar[int]
    FREE_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    id: str
    provider: str
    starts_at: _timestamp_pb2.Timestamp
    ends_at: _timestamp_pb2.Timestamp
    local_start: str
    free: int
    capacity: int
    def __init__(self, id: _Optional[str] = ..., provider: _Optional[str] = ..., starts_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ends_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., local_start: _Optional[str] = ..., free: _Optional[int] = ..., capacity: _Optional[int] = ...) -> None: ...

class ListSlotsResponse(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Slot]
    def __init__(self, items: _Optional[_Iterable[_Union[Slot, _Mapping]]] = ...) -> None: ...

class ChangeAccreditationRequest(_message.Message):
    __slots__ = ("provider", "section", "state", "valid_from", "valid_to", "reason")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    SECTION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    provider: str
    section: str
    state: str
    valid_from: str
    valid_to: str
    reason: str
    def __init__(self, provider: _Optional[str] = ..., section: _Optional[str] = ..., state: _Optional[str] = ..., valid_from: _Optional[str] = ..., valid_to: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ChangeAccreditationResponse(_message.Message):
    __slots__ = ("accreditation", "affected_bookings")
    ACCREDITATION_FIELD_NUMBER: _ClassVar[int]
    AFFECTED_BOOKINGS_FIELD_NUMBER: _ClassVar[int]
    accreditation: Accreditation
    affected_bookings: int
    def __init__(self, accreditation: _Optional[_Union[Accreditation, _Mapping]] = ..., affected_bookings: _Optional[int] = ...) -> None: ...

class Booking(_message.Message):
    __slots__ = ("id", "state", "person_id", "service", "provider", "slot_id", "comune", "voucher_id", "minutes", "price_cents", "starts_at", "ends_at", "local_start", "reason", "cancelled_by", "created_at", "version")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    SLOT_ID_FIELD_NUMBER: _ClassVar[int]
    COMUNE_FIELD_NUMBER: _ClassVar[int]
    VOUCHER_ID_FIELD_NUMBER: _ClassVar[int]
    MINUTES_FIELD_NUMBER: _ClassVar[int]
    PRICE_CENTS_FIELD_NUMBER: _ClassVar[int]
    STARTS_AT_FIELD_NUMBER: _ClassVar[int]
    ENDS_AT_FIELD_NUMBER: _ClassVar[int]
    LOCAL_START_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: str
    person_id: str
    service: str
    provider: str
    slot_id: str
    comune: str
    voucher_id: str
    minutes: int
    price_cents: int
    starts_at: _timestamp_pb2.Timestamp
    ends_at: _timestamp_pb2.Timestamp
    local_start: str
    reason: str
    cancelled_by: str
    created_at: _timestamp_pb2.Timestamp
    version: int
    def __init__(self, id: _Optional[str] = ..., state: _Optional[str] = ..., person_id: _Optional[str] = ..., service: _Optional[str] = ..., provider: _Optional[str] = ..., slot_id: _Optional[str] = ..., comune: _Optional[str] = ..., voucher_id: _Optional[str] = ..., minutes: _Optional[int] = ..., price_cents: _Optional[int] = ..., starts_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ends_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., local_start: _Optional[str] = ..., reason: _Optional[str] = ..., cancelled_by: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ...) -> None: ...

class BookSlotRequest(_message.Message):
    __slots__ = ("slot_id", "person_id", "voucher_id")
    SLOT_ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    VOUCHER_ID_FIELD_NUMBER: _ClassVar[int]
    slot_id: str
    person_id: str
    voucher_id: str
    def __init__(self, slot_id: _Optional[str] = ..., person_id: _Optional[str] = ..., voucher_id: _Optional[str] = ...) -> None: ...

class BookSlotResponse(_message.Message):
    __slots__ = ("booking",)
    BOOKING_FIELD_NUMBER: _ClassVar[int]
    booking: Booking
    def __init__(self, booking: _Optional[_Union[Booking, _Mapping]] = ...) -> None: ...

class GetBookingRequest(_message.Message):
    __slots__ = ("booking_id",)
    BOOKING_ID_FIELD_NUMBER: _ClassVar[int]
    booking_id: str
    def __init__(self, booking_id: _Optional[str] = ...) -> None: ...

class GetBookingResponse(_message.Message):
    __slots__ = ("booking",)
    BOOKING_FIELD_NUMBER: _ClassVar[int]
    booking: Booking
    def __init__(self, booking: _Optional[_Union[Booking, _Mapping]] = ...) -> None: ...

class ListBookingsRequest(_message.Message):
    __slots__ = ("person_id", "provider", "from_date", "to_date", "state", "limit", "cursor", "booking_ids")
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    FROM_DATE_FIELD_NUMBER: _ClassVar[int]
    TO_DATE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    BOOKING_IDS_FIELD_NUMBER: _ClassVar[int]
    person_id: str
    provider: str
    from_date: str
    to_date: str
    state: str
    limit: int
    cursor: str
    booking_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, person_id: _Optional[str] = ..., provider: _Optional[str] = ..., from_date: _Optional[str] = ..., to_date: _Optional[str] = ..., state: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ..., booking_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ListBookingsResponse(_message.Message):
    __slots__ = ("items", "next_cursor")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Booking]
    next_cursor: str
    def __init__(self, items: _Optional[_Iterable[_Union[Booking, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class CancelBookingRequest(_message.Message):
    __slots__ = ("booking_id", "reason")
    BOOKING_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    booking_id: str
    reason: str
    def __init__(self, booking_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CancelBookingResponse(_message.Message):
    __slots__ = ("booking",)
    BOOKING_FIELD_NUMBER: _ClassVar[int]
    booking: Booking
    def __init__(self, booking: _Optional[_Union[Booking, _Mapping]] = ...) -> None: ...

class GetDeliveryCodeRequest(_message.Message):
    __slots__ = ("booking_id",)
    BOOKING_ID_FIELD_NUMBER: _ClassVar[int]
    booking_id: str
    def __init__(self, booking_id: _Optional[str] = ...) -> None: ...

class GetDeliveryCodeResponse(_message.Message):
    __slots__ = ("code",)
    CODE_FIELD_NUMBER: _ClassVar[int]
    code: str
    def __init__(self, code: _Optional[str] = ...) -> None: ...

class RecordDeliveryRequest(_message.Message):
    __slots__ = ("booking_id", "code")
    BOOKING_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    booking_id: str
    code: str
    def __init__(self, booking_id: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class RecordDeliveryResponse(_message.Message):
    __slots__ = ("booking",)
    BOOKING_FIELD_NUMBER: _ClassVar[int]
    booking: Booking
    def __init__(self, booking: _Optional[_Union[Booking, _Mapping]] = ...) -> None: ...
