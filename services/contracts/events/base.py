"""What every event's data has in common.

The envelope (id, source, time, subject, sequence, trace) is CloudEvents 1.0 in binary mode: it travels as
message headers. The data is plain JSON made by these models. Within a version, fields are only ever added,
with a default.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

_registry: dict[str, type[EventData]] = {}


class EventData(BaseModel):
    """The data of one type of event.

    A subclass names its producer (`service`), its `aggregate` and what happened to it (`verb`, past tense),
    whether cooperatives may receive it (`public`), and gives an `example`. A consumer ignores fields that it
    does not know.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    service: ClassVar[str]
    aggregate: ClassVar[str]
    verb: ClassVar[str]
    version: ClassVar[int] = 1
    public: ClassVar[bool] = False
    example: ClassVar[dict[str, Any]]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "verb" in cls.__dict__:
            _registry[cls.event_type()] = cls

    @classmethod
    def event_type(cls) -> str:
        """`ambito.<service>.<aggregate>.<past-tense>.v<version>`"""
        return f"ambito.{cls.service}.{cls.aggregate}.{cls.verb}.v{cls.version}"

    def to_json(self) -> bytes:
        return self.model_dump_json().encode()

    @classmethod
    def example_data(cls) -> Self:
        return cls.model_validate(cls.example)


def routing_key(data: type[EventData], *, comune: str = "-", provider: str = "-") -> str:
    """`<aggregate>.<verb>.<comune's Belfiore code or ->.<provider's slug or ->`"""
    return f"{data.aggregate}.{data.verb}.{comune}.{provider}"


def registered_events() -> dict[str, type[EventData]]:
    """Event type → model, of every module of events imported so far, in order of type."""
    return dict(sorted(_registry.items()))
