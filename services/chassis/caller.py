"""Who is calling: what a verified token says, and the questions that an application layer asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from services.chassis.refusal import Unauthenticated


@dataclass(frozen=True, slots=True)
class Role:
    """A role within a scope, written `name:scope`; the scope `*` means the role has no narrower scope."""

    name: str
    scope: str

    @classmethod
    def parse(cls, text: str) -> Role:
        """`"social_worker:L319"` → `Role("social_worker", "L319")`; without a colon the scope is `*`."""
        name, _, scope = text.partition(":")
        return cls(name, scope or "*")

    def __str__(self) -> str:
        return f"{self.name}:{self.scope}"


@dataclass(frozen=True, slots=True)
class Caller:
    """The verified subject of a request.

    `subject` is an account's or a client's id; `person` is set when the account belongs to a registered
    person; `acting_for` maps other persons to the powers the token grants over them. `token` is forwarded,
    unchanged, to the next service, which verifies it again.
    """

    subject: str
    person: UUID | None = None
    roles: frozenset[Role] = frozenset()
    acting_for: Mapping[UUID, frozenset[str]] = field(default_factory=dict)
    token: str = field(default="", repr=False)

    @property
    def is_anonymous(self) -> bool:
        return not self.subject

    def require_known(self) -> None:
        """Return if somebody has signed in, else raise Unauthenticated."""
        if self.is_anonymous:
            raise Unauthenticated

    def has(self, role: str, scope: str | None = None) -> bool:
        """Whether the caller holds `role`, in `scope` if one is given."""
        return any(held.name == role and (scope is None or held.scope == scope) for held in self.roles)

    def scopes(self, role: str) -> frozenset[str]:
        """The scopes in which the caller holds `role`; empty if none."""
        return frozenset(held.scope for held in self.roles if held.name == role)

    def may_act_for(self, person: UUID, power: str) -> bool:
        """Whether the caller is `person`, or holds `power` over them."""
        return person == self.person or power in self.acting_for.get(person, frozenset())


ANONYMOUS = Caller(subject="")
