import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Sex(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEX_UNSPECIFIED: _ClassVar[Sex]
    SEX_FEMALE: _ClassVar[Sex]
    SEX_MALE: _ClassVar[Sex]
SEX_UNSPECIFIED: Sex
SEX_FEMALE: Sex
SEX_MALE: Sex

class PersonDetails(_message.Message):
    __slots__ = ("codice_fiscale", "given_name", "family_name", "birth_date", "sex", "comune", "address", "email", "phone", "language", "household_id")
    CODICE_FISCALE_FIELD_NUMBER: _ClassVar[int]
    GIVEN_NAME_FIELD_NUMBER: _ClassVar[int]
    FAMILY_NAME_FIELD_NUMBER: _ClassVar[int]
    BIRTH_DATE_FIELD_NUMBER: _ClassVar[int]
    SEX_FIELD_NUMBER: _ClassVar[int]
    COMUNE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    HOUSEHOLD_ID_FIELD_NUMBER: _ClassVar[int]
    codice_fiscale: str
    given_name: str
    family_name: str
    birth_date: str
    sex: Sex
    comune: str
    address: str
    email: str
    phone: str
    language: str
    household_id: str
    def __init__(self, codice_fiscale: _Optional[str] = ..., given_name: _Optional[str] = ..., family_name: _Optional[str] = ..., birth_date: _Optional[str] = ..., sex: _Optional[_Union[Sex, str]] = ..., comune: _Optional[str] = ..., address: _Optional[str] = ..., email: _Optional[str] = ..., phone: _Optional[str] = ..., language: _Optional[str] = ..., household_id: _Optional[str] = ...) -> None: ...

class Person(_message.Message):
    __slots__ = ("id", "details", "claimed", "registered_at_social_point", "registered_at", "version")
    ID_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_SOCIAL_POINT_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    id: str
    details: PersonDetails
    claimed: bool
    registered_at_social_point: str
    registered_at: _timestamp_pb2.Timestamp
    version: int
    def __init__(self, id: _Optional[str] = ..., details: _Optional[_Union[PersonDetails, _Mapping]] = ..., claimed: _Optional[bool] = ..., registered_at_social_point: _Optional[str] = ..., registered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ...) -> None: ...

class RegisterPersonRequest(_message.Message):
    __slots__ = ("details", "username", "password")
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    details: PersonDetails
    username: str
    password: str
    def __init__(self, details: _Optional[_Union[PersonDetails, _Mapping]] = ..., username: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class RegisterPersonResponse(_message.Message):
    __slots__ = ("person",)
    PERSON_FIELD_NUMBER: _ClassVar[int]
    person: Person
    def __init__(self, person: _Optional[_Union[Person, _Mapping]] = ...) -> None: ...

class RegisterPersonAssistedRequest(_message.Message):
    __slots__ = ("details", "social_point", "identified_by", "consent")
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    SOCIAL_POINT_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIED_BY_FIELD_NUMBER: _ClassVar[int]
    CONSENT_FIELD_NUMBER: _ClassVar[int]
    details: PersonDetails
    social_point: str
    identified_by: str
    consent: bool
    def __init__(self, details: _Optional[_Union[PersonDetails, _Mapping]] = ..., social_point: _Optional[str] = ..., identified_by: _Optional[str] = ..., consent: _Optional[bool] = ...) -> None: ...

class RegisterPersonAssistedResponse(_message.Message):
    __slots__ = ("person", "claim_code")
    PERSON_FIELD_NUMBER: _ClassVar[int]
    CLAIM_CODE_FIELD_NUMBER: _ClassVar[int]
    person: Person
    claim_code: str
    def __init__(self, person: _Optional[_Union[Person, _Mapping]] = ..., claim_code: _Optional[str] = ...) -> None: ...

class IssueClaimCodeRequest(_message.Message):
    __slots__ = ("person_id", "social_point", "identified_by", "consent")
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    SOCIAL_POINT_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIED_BY_FIELD_NUMBER: _ClassVar[int]
    CONSENT_FIELD_NUMBER: _ClassVar[int]
    person_id: str
    social_point: str
    identified_by: str
    consent: bool
    def __init__(self, person_id: _Optional[str] = ..., social_point: _Optional[str] = ..., identified_by: _Optional[str] = ..., consent: _Optional[bool] = ...) -> None: ...

class IssueClaimCodeResponse(_message.Message):
    __slots__ = ("claim_code",)
    CLAIM_CODE_FIELD_NUMBER: _ClassVar[int]
    claim_code: str
    def __init__(self, claim_code: _Optional[str] = ...) -> None: ...

class ClaimAccountRequest(_message.Message):
    __slots__ = ("codice_fiscale", "claim_code", "username", "password")
    CODICE_FISCALE_FIELD_NUMBER: _ClassVar[int]
    CLAIM_CODE_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    codice_fiscale: str
    claim_code: str
    username: str
    password: str
    def __init__(self, codice_fiscale: _Optional[str] = ..., claim_code: _Optional[str] = ..., username: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class ClaimAccountResponse(_message.Message):
    __slots__ = ("person",)
    PERSON_FIELD_NUMBER: _ClassVar[int]
    person: Person
    def __init__(self, person: _Optional[_Union[Person, _Mapping]] = ...) -> None: ...

class GetPersonRequest(_message.Message):
    __slots__ = ("person_id", "reason")
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    person_id: str
    reason: str
    def __init__(self, person_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class GetPersonResponse(_message.Message):
    __slots__ = ("person",)
    PERSON_FIELD_NUMBER: _ClassVar[int]
    person: Person
    def __init__(self, person: _Optional[_Union[Person, _Mapping]] = ...) -> None: ...

class FindPersonRequest(_message.Message):
    __slots__ = ("codice_fiscale", "reason")
    CODICE_FISCALE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    codice_fiscale: str
    reason: str
    def __init__(self, codice_fiscale: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class FindPersonResponse(_message.Message):
    __slots__ = ("person",)
    PERSON_FIELD_NUMBER: _ClassVar[int]
    person: Person
    def __init__(self, person: _Optional[_Union[Person, _Mapping]] = ...) -> None: ...

class ListReadsRequest(_message.Message):
    __slots__ = ("person_id", "limit")
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    person_id: str
    limit: int
    def __init__(self, person_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class Read(_message.Message):
    __slots__ = ("at", "reader", "role", "operation", "reason")
    AT_FIELD_NUMBER: _ClassVar[int]
    READER_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    reader: str
    role: str
    operation: str
    reason: str
    def __init__(self, at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reader: _Optional[str] = ..., role: _Optional[str] = ..., operation: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ListReadsResponse(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Read]
    def __init__(self, items: _Optional[_Iterable[_Union[Read, _Mapping]]] = ...) -> None: ...

class LogInRequest(_message.Message):
    __slots__ = ("username", "password")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    username: str
    password: str
    def __init__(self, username: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class Tokens(_message.Message):
    __slots__ = ("access_token", "expires_in_seconds", "refresh_token")
    ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    access_token: str
    expires_in_seconds: int
    refresh_token: str
    def __init__(self, access_token: _Optional[str] = ..., expires_in_seconds: _Optional[int] = ..., refresh_token: _Optional[str] = ...) -> None: ...

class LogInResponse(_message.Message):
    __slots__ = ("tokens", "person_id", "roles", "display_name")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    tokens: Tokens
    person_id: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    display_name: str
    def __init__(self, tokens: _Optional[_Union[Tokens, _Mapping]] = ..., person_id: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ..., display_name: _Optional[str] = ...) -> None: ...

class RefreshSessionRequest(_message.Message):
    __slots__ = ("refresh_token",)
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    refresh_token: str
    def __init__(self, refresh_token: _Optional[str] = ...) -> None: ...

class RefreshSessionResponse(_message.Message):
    __slots__ = ("tokens",)
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: Tokens
    def __init__(self, tokens: _Optional[_Union[Tokens, _Mapping]] = ...) -> None: ...

class LogOutRequest(_message.Message):
    __slots__ = ("refresh_token",)
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    refresh_token: str
    def __init__(self, refresh_token: _Optional[str] = ...) -> None: ...

class LogOutResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AuthenticateClientRequest(_message.Message):
    __slots__ = ("client_id", "client_secret")
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_SECRET_FIELD_NUMBER: _ClassVar[int]
    client_id: str
    client_secret: str
    def __init__(self, client_id: _Optional[str] = ..., client_secret: _Optional[str] = ...) -> None: ...

class AuthenticateClientResponse(_message.Message):
    __slots__ = ("tokens",)
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: Tokens
    def __init__(self, tokens: _Optional[_Union[Tokens, _Mapping]] = ...) -> None: ...

class GetKeysRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetKeysResponse(_message.Message):
    __slots__ = ("jwks",)
    JWKS_FIELD_NUMBER: _ClassVar[int]
    jwks: str
    def __init__(self, jwks: _Optional[str] = ...) -> None: ...

class Delegation(_message.Message):
    __slots__ = ("id", "principal_id", "delegate_id", "powers", "state", "valid_from", "valid_to", "recorded_at_social_point", "version")
    ID_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_ID_FIELD_NUMBER: _ClassVar[int]
    DELEGATE_ID_FIELD_NUMBER: _ClassVar[int]
    POWERS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_SOCIAL_POINT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    id: str
    principal_id: str
    delegate_id: str
    powers: _containers.RepeatedScalarFieldContainer[str]
    state: str
    valid_from: str
    valid_to: str
    recorded_at_social_point: str
    version: int
    def __init__(self, id: _Optional[str] = ..., principal_id: _Optional[str] = ..., delegate_id: _Optional[str] = ..., powers: _Optional[_Iterable[str]] = ..., state: _Optional[str] = ..., valid_from: _Optional[str] = ..., valid_to: _Optional[str] = ..., recorded_at_social_point: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class GrantDelegationRequest(_message.Message):
    __slots__ = ("principal_id", "delegate_codice_fiscale", "powers", "valid_to", "consent")
    PRINCIPAL_ID_FIELD_NUMBER: _ClassVar[int]
    DELEGATE_CODICE_FISCALE_FIELD_NUMBER: _ClassVar[int]
    POWERS_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    CONSENT_FIELD_NUMBER: _ClassVar[int]
    principal_id: str
    delegate_codice_fiscale: str
    powers: _containers.RepeatedScalarFieldContainer[str]
    valid_to: str
    consent: bool
    def __init__(self, principal_id: _Optional[str] = ..., delegate_codice_fiscale: _Optional[str] = ..., powers: _Optional[_Iterable[str]] = ..., valid_to: _Optional[str] = ..., consent: _Optional[bool] = ...) -> None: ...

class GrantDelegationResponse(_message.Message):
    __slots__ = ("delegation",)
    DELEGATION_FIELD_NUMBER: _ClassVar[int]
    delegation: Delegation
    def __init__(self, delegation: _Optional[_Union[Delegation, _Mapping]] = ...) -> None: ...

class RevokeDelegationRequest(_message.Message):
    __slots__ = ("delegation_id",)
    DELEGATION_ID_FIELD_NUMBER: _ClassVar[int]
    delegation_id: str
    def __init__(self, delegation_id: _Optional[str] = ...) -> None: ...

class RevokeDelegationResponse(_message.Message):
    __slots__ = ("delegation",)
    DELEGATION_FIELD_NUMBER: _ClassVar[int]
    delegation: Delegation
    def __init__(self, delegation: _Optional[_Union[Delegation, _Mapping]] = ...) -> None: ...

class ListDelegationsRequest(_message.Message):
    __slots__ = ("person_id",)
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    person_id: str
    def __init__(self, person_id: _Optional[str] = ...) -> None: ...

class ListDelegationsResponse(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Delegation]
    def __init__(self, items: _Optional[_Iterable[_Union[Delegation, _Mapping]]] = ...) -> None: ...

class StartAssistanceRequest(_message.Message):
    __slots__ = ("person_id", "social_point", "identified_by", "consent", "purpose")
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    SOCIAL_POINT_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIED_BY_FIELD_NUMBER: _ClassVar[int]
    CONSENT_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    person_id: str
    social_point: str
    identified_by: str
    consent: bool
    purpose: str
    def __init__(self, person_id: _Optional[str] = ..., social_point: _Optional[str] = ..., identified_by: _Optional[str] = ..., consent: _Optional[bool] = ..., purpose: _Optional[str] = ...) -> None: ...

class StartAssistanceResponse(_message.Message):
    __slots__ = ("tokens",)
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: Tokens
    def __init__(self, tokens: _Optional[_Union[Tokens, _Mapping]] = ...) -> None: ...
