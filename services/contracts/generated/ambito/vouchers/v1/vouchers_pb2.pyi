import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Unit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNIT_UNSPECIFIED: _ClassVar[Unit]
    UNIT_MINUTES: _ClassVar[Unit]
    UNIT_CENTS: _ClassVar[Unit]
UNIT_UNSPECIFIED: Unit
UNIT_MINUTES: Unit
UNIT_CENTS: Unit

class PlanLine(_message.Message):
    __slots__ = ("id", "measure", "service", "section", "quantity", "unit", "issued")
    ID_FIELD_NUMBER: _ClassVar[int]
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    SECTION_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    ISSUED_FIELD_NUMBER: _ClassVar[int]
    id: str
    measure: str
    service: str
    section: str
    quantity: int
    unit: Unit
    issued: int
    def __init__(self, id: _Optional[str] = ..., measure: _Optional[str] = ..., service: _Optional[str] = ..., section: _Optional[str] = ..., quantity: _Optional[int] = ..., unit: _Optional[_Union[Unit, str]] = ..., issued: _Optional[int] = ...) -> None: ...

class Plan(_message.Message):
    __slots__ = ("id", "person_id", "comune", "state", "valid_from", "valid_to", "goals", "lines", "written_by", "signed_at", "version")
    ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    COMUNE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    GOALS_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_BY_FIELD_NUMBER: _ClassVar[int]
    SIGNED_AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    id: str
    person_id: str
    comune: str
    state: str
    valid_from: str
    valid_to: str
    goals: str
    lines: _containers.RepeatedCompositeFieldContainer[PlanLine]
    written_by: str
    signed_at: _timestamp_pb2.Timestamp
    version: int
    def __init__(self, id: _Optional[str] = ..., person_id: _Optional[str] = ..., comune: _Optional[str] = ..., state: _Optional[str] = ..., valid_from: _Optional[str] = ..., valid_to: _Optional[str] = ..., goals: _Optional[str] = ..., lines: _Optional[_Iterable[_Union[PlanLine, _Mapping]]] = ..., written_by: _Optional[str] = ..., signed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ...) -> None: ...

class WritePlanRequest(_message.Message):
    __slots__ = ("person_id", "valid_from", "valid_to", "goals", "lines")
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    GOALS_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    person_id: str
    valid_from: str
    valid_to: str
    goals: str
    lines: _containers.RepeatedCompositeFieldContainer[PlanLine]
    def __init__(self, person_id: _Optional[str] = ..., valid_from: _Optional[str] = ..., valid_to: _Optional[str] = ..., goals: _Optional[str] = ..., lines: _Optional[_Iterable[_Union[PlanLine, _Mapping]]] = ...) -> None: ...

class WritePlanResponse(_message.Message):
    __slots__ = ("plan",)
    PLAN_FIELD_NUMBER: _ClassVar[int]
    plan: Plan
    def __init__(self, plan: _Optional[_Union[Plan, _Mapping]] = ...) -> None: ...

class SignPlanRequest(_message.Message):
    __slots__ = ("plan_id", "signed_by")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNED_BY_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    signed_by: str
    def __init__(self, plan_id: _Optional[str] = ..., signed_by: _Optional[str] = ...) -> None: ...

class SignPlanResponse(_message.Message):
    __slots__ = ("plan",)
    PLAN_FIELD_NUMBER: _ClassVar[int]
    plan: Plan
    def __init__(self, plan: _Optional[_Union[Plan, _Mapping]] = ...) -> None: ...

class GetPlanRequest(_message.Message):
    __slots__ = ("plan_id",)
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    def __init__(self, plan_id: _Optional[str] = ...) -> None: ...

class GetPlanResponse(_message.Message):
    __slots__ = ("plan",)
    PLAN_FIELD_NUMBER: _ClassVar[int]
    plan: Plan
    def __init__(self, plan: _Optional[_Union[Plan, _Mapping]] = ...) -> None: ...

class ListPlansRequest(_message.Message):
    __slots__ = ("person_id",)
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    person_id: str
    def __init__(self, person_id: _Optional[str] = ...) -> None: ...

class ListPlansResponse(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Plan]
    def __init__(self, items: _Optional[_Iterable[_Union[Plan, _Mapping]]] = ...) -> None: ...

class Balance(_message.Message):
    __slots__ = ("issued", "available", "reserved", "consumed", "returned", "expired")
    ISSUED_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_FIELD_NUMBER: _ClassVar[int]
    RETURNED_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    issued: int
    available: int
    reserved: int
    consumed: int
    returned: int
    expired: int
    def __init__(self, issued: _Optional[int] = ..., available: _Optional[int] = ..., reserved: _Optional[int] = ..., consumed: _Optional[int] = ..., returned: _Optional[int] = ..., expired: _Optional[int] = ...) -> None: ...

class Assignment(_message.Message):
    __slots__ = ("provider", "valid_from", "valid_to")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    provider: str
    valid_from: str
    valid_to: str
    def __init__(self, provider: _Optional[str] = ..., valid_from: _Optional[str] = ..., valid_to: _Optional[str] = ...) -> None: ...

class Voucher(_message.Message):
    __slots__ = ("id", "person_id", "comune", "plan_id", "plan_line_id", "measure", "fund", "service", "section", "unit", "state", "valid_from", "valid_to", "balance", "assignments", "issued_at", "version")
    ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    COMUNE_FIELD_NUMBER: _ClassVar[int]
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_LINE_ID_FIELD_NUMBER: _ClassVar[int]
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    FUND_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    SECTION_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    ASSIGNMENTS_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    id: str
    person_id: str
    comune: str
    plan_id: str
    plan_line_id: str
    measure: str
    fund: str
    service: str
    section: str
    unit: Unit
    state: str
    valid_from: str
    valid_to: str
    balance: Balance
    assignments: _containers.RepeatedCompositeFieldContainer[Assignment]
    issued_at: _timestamp_pb2.Timestamp
    version: int
    def __init__(self, id: _Optional[str] = ..., person_id: _Optional[str] = ..., comune: _Optional[str] = ..., plan_id: _Optional[str] = ..., plan_line_id: _Optional[str] = ..., measure: _Optional[str] = ..., fund: _Optional[str] = ..., service: _Optional[str] = ..., section: _Optional[str] = ..., unit: _Optional[_Union[Unit, str]] = ..., state: _Optional[str] = ..., valid_from: _Optional[str] = ..., valid_to: _Optional[str] = ..., balance: _Optional[_Union[Balance, _Mapping]] = ..., assignments: _Optional[_Iterable[_Union[Assignment, _Mapping]]] = ..., issued_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ...) -> None: ...

class IssueVoucherRequest(_message.Message):
    __slots__ = ("plan_line_id", "quantity", "fund", "year", "valid_from", "valid_to")
    PLAN_LINE_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    FUND_FIELD_NUMBER: _ClassVar[int]
    YEAR_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    plan_line_id: str
    quantity: int
    fund: str
    year: int
    valid_from: str
    valid_to: str
    def __init__(self, plan_line_id: _Optional[str] = ..., quantity: _Optional[int] = ..., fund: _Optional[str] = ..., year: _Optional[int] = ..., valid_from: _Optional[str] = ..., valid_to: _Optional[str] = ...) -> None: ...

class IssueVoucherResponse(_message.Message):
    __slots__ = ("voucher",)
    VOUCHER_FIELD_NUMBER: _ClassVar[int]
    voucher: Voucher
    def __init__(self, voucher: _Optional[_Union[Voucher, _Mapping]] = ...) -> None: ...

class ChooseProviderRequest(_message.Message):
    __slots__ = ("voucher_id", "provider", "valid_from")
    VOUCHER_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    voucher_id: str
    provider: str
    valid_from: str
    def __init__(self, voucher_id: _Optional[str] = ..., provider: _Optional[str] = ..., valid_from: _Optional[str] = ...) -> None: ...

class ChooseProviderResponse(_message.Message):
    __slots__ = ("voucher",)
    VOUCHER_FIELD_NUMBER: _ClassVar[int]
    voucher: Voucher
    def __init__(self, voucher: _Optional[_Union[Voucher, _Mapping]] = ...) -> None: ...

class GetVoucherRequest(_message.Message):
    __slots__ = ("voucher_id",)
    VOUCHER_ID_FIELD_NUMBER: _ClassVar[int]
    voucher_id: str
    def __init__(self, voucher_id: _Optional[str] = ...) -> None: ...

class GetVoucherResponse(_message.Message):
    __slots__ = ("voucher",)
    VOUCHER_FIELD_NUMBER: _ClassVar[int]
    voucher: Voucher
    def __init__(self, voucher: _Optional[_Union[Voucher, _Mapping]] = ...) -> None: ...

class ListVouchersRequest(_message.Message):
    __slots__ = ("person_id", "comune", "limit", "cursor")
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    COMUNE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    person_id: str
    comune: str
    limit: int
    cursor: str
    def __init__(self, person_id: _Optional[str] = ..., comune: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListVouchersResponse(_message.Message):
    __slots__ = ("items", "next_cursor")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Voucher]
    next_cursor: str
    def __init__(self, items: _Optional[_Iterable[_Union[Voucher, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class Entry(_message.Message):
    __slots__ = ("sequence", "kind", "quantity", "booking_id", "provider", "service_date", "recorded_at", "hash")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    BOOKING_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    SERVICE_DATE_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    kind: str
    quantity: int
    booking_id: str
    provider: str
    service_date: str
    recorded_at: _timestamp_pb2.Timestamp
    hash: str
    def __init__(self, sequence: _Optional[int] = ..., kind: _Optional[str] = ..., quantity: _Optional[int] = ..., booking_id: _Optional[str] = ..., provider: _Optional[str] = ..., service_date: _Optional[str] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., hash: _Optional[str] = ...) -> None: ...

class ListEntriesRequest(_message.Message):
    __slots__ = ("voucher_id",)
    VOUCHER_ID_FIELD_NUMBER: _ClassVar[int]
    voucher_id: str
    def __init__(self, voucher_id: _Optional[str] = ...) -> None: ...

class ListEntriesResponse(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Entry]
    def __init__(self, items: _Optional[_Iterable[_Union[Entry, _Mapping]]] = ...) -> None: ...

class VerifyLedgerRequest(_message.Message):
    __slots__ = ("voucher_id",)
    VOUCHER_ID_FIELD_NUMBER: _ClassVar[int]
    voucher_id: str
    def __init__(self, voucher_id: _Optional[str] = ...) -> None: ...

class LedgerFault(_message.Message):
    __slots__ = ("voucher_id", "sequence", "reason")
    VOUCHER_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    voucher_id: str
    sequence: int
    reason: str
    def __init__(self, voucher_id: _Optional[str] = ..., sequence: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class VerifyLedgerResponse(_message.Message):
    __slots__ = ("vouchers", "entries", "faults")
    VOUCHERS_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    vouchers: int
    entries: int
    faults: _containers.RepeatedCompositeFieldContainer[LedgerFault]
    def __init__(self, vouchers: _Optional[int] = ..., entries: _Optional[int] = ..., faults: _Optional[_Iterable[_Union[LedgerFault, _Mapping]]] = ...) -> None: ...

class HoldRequest(_message.Message):
    __slots__ = ("booking_id", "voucher_id", "person_id", "provider", "service", "service_date", "minutes", "cents")
    BOOKING_ID_FIELD_NUMBER: _ClassVar[int]
    VOUCHER_ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_DATE_FIELD_NUMBER: _ClassVar[int]
    MINUTES_FIELD_NUMBER: _ClassVar[int]
    CENTS_FIELD_NUMBER: _ClassVar[int]
    booking_id: str
    voucher_id: str
    person_id: str
    provider: str
    service: str
    service_date: str
    minutes: int
    cents: int
    def __init__(self, booking_id: _Optional[str] = ..., voucher_id: _Optional[str] = ..., person_id: _Optional[str] = ..., provider: _Optional[str] = ..., service: _Optional[str] = ..., service_date: _Optional[str] = ..., minutes: _Optional[int] = ..., cents: _Optional[int] = ...) -> None: ...

class HoldResponse(_message.Message):
    __slots__ = ("quantity", "available")
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    quantity: int
    available: int
    def __init__(self, quantity: _Optional[int] = ..., available: _Optional[int] = ...) -> None: ...

class Budget(_message.Message):
    __slots__ = ("comune", "fund", "year", "allocated_cents", "committed_cents", "consumed_cents")
    COMUNE_FIELD_NUMBER: _ClassVar[int]
    FUND_FIELD_NUMBER: _ClassVar[int]
    YEAR_FIELD_NUMBER: _ClassVar[int]
    ALLOCATED_CENTS_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_CENTS_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CENTS_FIELD_NUMBER: _ClassVar[int]
    comune: str
    fund: str
    year: int
    allocated_cents: int
    committed_cents: int
    consumed_cents: int
    def __init__(self, comune: _Optional[str] = ..., fund: _Optional[str] = ..., year: _Optional[int] = ..., allocated_cents: _Optional[int] = ..., committed_cents: _Optional[int] = ..., consumed_cents: _Optional[int] = ...) -> None: ...

class ListBudgetsRequest(_message.Message):
    __slots__ = ("comune", "year")
    COMUNE_FIELD_NUMBER: _ClassVar[int]
    YEAR_FIELD_NUMBER: _ClassVar[int]
    comune: str
    year: int
    def __init__(self, comune: _Optional[str] = ..., year: _Optional[int] = ...) -> None: ...

class ListBudgetsResponse(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Budget]
    def __init__(self, items: _Optional[_Iterable[_Union[Budget, _Mapping]]] = ...) -> None: ...

class StatementLine(_message.Message):
    __slots__ = ("booking_id", "voucher_id", "comune", "measure", "service", "service_date", "quantity", "unit", "amount_cents", "entry_sequence")
    BOOKING_ID_FIELD_NUMBER: _ClassVar[int]
    VOUCHER_ID_FIELD_NUMBER: _ClassVar[int]
    COMUNE_FIELD_NUMBER: _ClassVar[int]
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_DATE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_CENTS_FIELD_NUMBER: _ClassVar[int]
    ENTRY_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    booking_id: str
    voucher_id: str
    comune: str
    measure: str
    service: str
    service_date: str
    quantity: int
    unit: Unit
    amount_cents: int
    entry_sequence: int
    def __init__(self, booking_id: _Optional[str] = ..., voucher_id: _Optional[str] = ..., comune: _Optional[str] = ..., measure: _Optional[str] = ..., service: _Optional[str] = ..., service_date: _Optional[str] = ..., quantity: _Optional[int] = ..., unit: _Optional[_Union[Unit, str]] = ..., amount_cents: _Optional[int] = ..., entry_sequence: _Optional[int] = ...) -> None: ...

class GetStatementRequest(_message.Message):
    __slots__ = ("provider", "month")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MONTH_FIELD_NUMBER: _ClassVar[int]
    provider: str
    month: str
    def __init__(self, provider: _Optional[str] = ..., month: _Optional[str] = ...) -> None: ...

class GetStatementResponse(_message.Message):
    __slots__ = ("provider", "month", "lines", "total_minutes", "total_amount_cents")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MONTH_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_MINUTES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_AMOUNT_CENTS_FIELD_NUMBER: _ClassVar[int]
    provider: str
    month: str
    lines: _containers.RepeatedCompositeFieldContainer[StatementLine]
    total_minutes: int
    total_amount_cents: int
    def __init__(self, provider: _Optional[str] = ..., month: _Optional[str] = ..., lines: _Optional[_Iterable[_Union[StatementLine, _Mapping]]] = ..., total_minutes: _Optional[int] = ..., total_amount_cents: _Optional[int] = ...) -> None: ...
