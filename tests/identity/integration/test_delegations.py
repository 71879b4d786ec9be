"""Delegations and assistance."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from uuid import UUID

import jwt
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from services.chassis.caller import Caller, Role
from services.chassis.refusal import Forbidden, InvalidField, NotFound, Refusal
from services.contracts import access as contract
from services.identity.application import purge
from services.identity.application.grant_delegation import DelegateUnknown, grant_delegation
from services.identity.application.list_delegations import list_delegations
from services.identity.application.log_in import log_in
from services.identity.application.revoke_delegation import revoke_delegation
from services.identity.application.start_assistance import start_assistance
from services.identity.domain import delegation as rules
from services.identity.domain.delegation import (
    Delegation,
    DelegationExists,
    DelegationNotActive,
    State,
    TooManyDelegations,
)
from services.identity.persistence.persons import PersonRecord
from services.identity.persistence.tables import assistance, delegation
from tests.identity.world import OPERATOR, PASSWORD, World, attempt, new_details

TODAY = date(2026, 11, 23)


def grant(
    world: World,
    caller: Caller,
    principal: PersonRecord,
    delegate: PersonRecord,
    *,
    powers: tuple[str, ...] = ("read", "book"),
    valid_to: date | None = None,
    consent: bool = True,
    key: str | None = None,
) -> Delegation:
    return grant_delegation(
        world.parts,
        caller,
        attempt(key),
        principal_id=principal.id,
        delegate_codice_fiscale=delegate.details.codice_fiscale.value,
        powers=powers,
        valid_to=valid_to,
        consent=consent,
    )


def acting_for(world: World, username: str) -> dict[str, list[str]]:
    token = log_in(world.parts, username=username, password=PASSWORD, client_address=None).tokens.access_token
    claim: dict[str, list[str]] = jwt.decode(token, options={"verify_signature": False})["acting_for"]
    return claim


def test_the_words_are_the_contracts() -> None:
    assert rules.POWERS == contract.POWERS


def test_the_delegates_token_has_the_powers_from_the_first_to_the_last_day(world: World) -> None:
    mother, daughter = world.registered(), world.registered(username="anna")
    given = grant(world, world.herself(mother), mother, daughter, valid_to=date(2026, 11, 24))
    assert acting_for(world, "anna") == {str(mother.id): ["book", "read"]}
    (event,) = world.events(given.id)
    assert (event.type, event.sequence) == ("ambito.identity.delegation.granted.v1", 1)
    assert json.loads(event.data)["valid_to"] == "2026-11-24"
    world.clock.advance(timedelta(hours=36, minutes=59))  # 23:59 in Italy, on the last day
    assert acting_for(world, "anna") == {str(mother.id): ["book", "read"]}
    world.clock.advance(timedelta(minutes=1))
    assert acting_for(world, "anna") == {}
    (listed,) = list_delegations(world.parts, world.herself(mother), person_id=mother.id)
    assert listed.state is State.EXPIRED


def test_it_lasts_a_year_if_nothing_is_said_and_repeats_by_key(world: World) -> None:
    mother, daughter = world.registered(), world.registered()
    herself = world.herself(mother)
    given = grant(world, herself, mother, daughter, key="k-1")
    assert given.valid_to == date(2027, 11, 23)
    assert grant(world, herself, mother, daughter, key="k-1") == given
    assert len(world.events(given.id)) == 1


def test_an_operator_records_it_for_a_person_of_the_desk(world: World) -> None:
    mother, _ = world.assisted()
    daughter = world.registered()
    with pytest.raises(InvalidField) as refused:
        grant(world, world.staff(OPERATOR), mother, daughter, consent=False)
    assert refused.value.field == "consent"
    given = grant(world, world.staff(OPERATOR), mother, daughter)
    assert given.recorded_at_social_point == "tradate"


def test_an_operator_needs_the_person_before_him(world: World) -> None:
    mother, daughter = world.registered(), world.registered()
    operator = world.staff(OPERATOR)
    with pytest.raises(NotFound):
        grant(world, operator, mother, daughter)
    assert (
        grant(world, assisting(world, operator, mother), mother, daughter).recorded_at_social_point
        == "tradate"
    )


def test_powers_are_not_passed_on(world: World) -> None:
    mother, daughter, friend = world.registered(), world.registered(), world.registered()
    delegate = Caller("d", daughter.id, frozenset({Role("citizen", "*")}), {mother.id: contract.POWERS})
    with pytest.raises(Forbidden):
        grant(world, delegate, mother, friend)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"powers": ()}, "powers"),
        ({"powers": ("read", "read")}, "powers"),
        ({"powers": ("spend",)}, "powers"),
        ({"valid_to": TODAY - timedelta(days=1)}, "valid_to"),
        ({"valid_to": date(2028, 11, 24)}, "valid_to"),
    ],
)
def test_bad_requests_name_the_field(world: World, changes: dict[str, object], field: str) -> None:
    mother, daughter = world.registered(), world.registered()
    with pytest.raises(InvalidField) as refused:
        grant(world, world.herself(mother), mother, daughter, **changes)  # type: ignore[arg-type]
    assert refused.value.field == field
    assert world.count(delegation) == 0


def test_neither_oneself_nor_a_stranger_nor_twice(world: World) -> None:
    mother, daughter = world.registered(), world.registered()
    herself = world.herself(mother)
    with pytest.raises(InvalidField):
        grant(world, herself, mother, mother)
    stranger = PersonRecord(mother.id, new_details(), mother.registered_at, None, False, 1)
    with pytest.raises(DelegateUnknown):
        grant(world, herself, mother, stranger)
    grant(world, herself, mother, daughter)
    with pytest.raises(DelegationExists):
        grant(world, herself, mother, daughter)


def test_a_new_one_follows_one_that_is_over(world: World) -> None:
    mother, daughter = world.registered(), world.registered()
    first = grant(world, world.herself(mother), mother, daughter, valid_to=TODAY)
    world.clock.advance(timedelta(days=1))
    second = grant(world, world.herself(mother), mother, daughter)
    states = {
        each.id: each.state
        for each in list_delegations(world.parts, world.herself(mother), person_id=mother.id)
    }
    assert states == {first.id: State.EXPIRED, second.id: State.ACTIVE}


def test_nobody_acts_for_more_than_twenty_even_if_all_ask_at_once(world: World) -> None:
    delegate = world.registered(username="anna")
    principals = [world.registered() for _ in range(24)]
    together = Barrier(24)

    def ask(principal: PersonRecord) -> bool:
        together.wait()
        try:
            grant(world, world.herself(principal), principal, delegate)
        except TooManyDelegations:
            return False
        return True

    with ThreadPoolExecutor(24) as pool:
        assert sum(pool.map(ask, principals)) == 20
    assert len(acting_for(world, "anna")) == 20


@pytest.mark.parametrize("who", ["principal", "delegate", "operator"])
def test_it_is_taken_back_once(world: World, who: str) -> None:
    mother, _ = world.assisted()
    daughter = world.registered(username="anna")
    operator = world.staff(OPERATOR)
    given = grant(world, operator, mother, daughter)
    caller = {"principal": world.herself(mother), "delegate": world.herself(daughter), "operator": operator}[
        who
    ]
    for _ in range(2):
        assert revoke_delegation(world.parts, caller, delegation_id=given.id).state is State.REVOKED
    assert [(e.type.split(".")[3], e.sequence) for e in world.events(given.id)] == [
        ("granted", 1),
        ("revoked", 2),
    ]
    assert acting_for(world, "anna") == {}


def test_one_that_is_over_cannot_be_taken_back(world: World) -> None:
    mother, daughter = world.registered(), world.registered()
    given = grant(world, world.herself(mother), mother, daughter, valid_to=TODAY)
    world.clock.advance(timedelta(days=1))
    assert purge.expire_delegations(world.database, world.clock) == 1
    with pytest.raises(DelegationNotActive):
        revoke_delegation(world.parts, world.herself(mother), delegation_id=given.id)


def test_a_stranger_learns_nothing_of_a_delegation(world: World) -> None:
    mother, daughter, stranger = world.registered(), world.registered(), world.registered()
    given = grant(world, world.herself(mother), mother, daughter)

    def answer(delegation_id: UUID) -> tuple[type[Refusal], str]:
        with pytest.raises(Refusal) as refused:
            revoke_delegation(world.parts, world.herself(stranger), delegation_id=delegation_id)
        return type(refused.value), str(refused.value)

    assert answer(given.id) == answer(mother.id)


def test_a_delegate_sees_only_what_is_between_the_two(world: World) -> None:
    mother, daughter, friend = world.registered(), world.registered(), world.registered()
    theirs = grant(world, world.herself(mother), mother, daughter)
    grant(world, world.herself(mother), mother, friend)
    caller = Caller(
        str(daughter.id), daughter.id, frozenset({Role("citizen", "*")}), {mother.id: frozenset({"read"})}
    )
    assert [each.id for each in list_delegations(world.parts, caller, person_id=mother.id)] == [theirs.id]


def assisting(world: World, operator: Caller, person: PersonRecord, **changes: object) -> Caller:
    """The operator with the token of an assistance session."""
    request: dict[str, object] = {
        "social_point": "tradate",
        "identified_by": "identity_card",
        "consent": True,
        "purpose": "choose a cooperative",
    }
    tokens = start_assistance(world.parts, operator, person_id=person.id, **(request | changes))  # type: ignore[arg-type]
    said = jwt.decode(tokens.access_token, options={"verify_signature": False})
    assert (said["sub"], said["exp"] - said["iat"]) == (operator.subject, 1800)
    assert tokens.refresh_token == ""
    return Caller(
        said["sub"],
        None,
        frozenset(map(Role.parse, said["roles"])),
        {UUID(each): frozenset(powers) for each, powers in said["acting_for"].items()},
    )


def test_assistance_gives_all_powers_over_one_person_at_one_desk(world: World) -> None:
    person = world.registered()
    both = world.staff(OPERATOR, "social_point_operator:venegono-inferiore")
    caller = assisting(world, both, person)
    assert caller.acting_for == {person.id: contract.POWERS}
    assert caller.roles == {Role("social_point_operator", "tradate")}
    (row,) = world.rows(assistance)
    assert (row.operator, row.social_point, row.person_id) == (both.subject, "tradate", person.id)
    assert row.expires_at - row.started_at == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"consent": False}, "consent"),
        ({"purpose": " "}, "purpose"),
        ({"identified_by": ""}, "identified_by"),
    ],
)
def test_assistance_needs_consent_a_purpose_and_a_document(
    world: World, changes: dict[str, object], field: str
) -> None:
    person = world.registered()
    with pytest.raises(InvalidField) as refused:
        assisting(world, world.staff(OPERATOR), person, **changes)
    assert refused.value.field == field
    assert world.count(assistance) == 0


class Delegations(RuleBasedStateMachine):
    """One principal and two delegates, granting, revoking, waiting. The model: who holds what until when."""

    world: World
    people: tuple[PersonRecord, PersonRecord, PersonRecord]

    def __init__(self) -> None:
        super().__init__()
        self.principal = self.world.registered()
        self.held: dict[int, Delegation] = {}

    @property
    def today(self) -> date:
        return self.world.parts.today

    @rule(
        to=st.integers(0, 1),
        days=st.integers(0, 3),
        powers=st.sets(st.sampled_from(sorted(rules.POWERS)), min_size=1),
    )
    def grant(self, to: int, days: int, powers: set[str]) -> None:
        arguments = (self.world, self.world.herself(self.principal), self.principal, self.people[to])
        last = self.today + timedelta(days=days)
        active = to in self.held and self.held[to].state_on(self.today) is State.ACTIVE
        if active:
            with pytest.raises(DelegationExists):
                grant(*arguments, powers=tuple(powers), valid_to=last)
        else:
            self.held[to] = grant(*arguments, powers=tuple(powers), valid_to=last)

    @rule(to=st.integers(0, 1))
    def revoke(self, to: int) -> None:
        if to not in self.held:
            return
        caller, held = self.world.herself(self.principal), self.held[to]
        if held.state_on(self.today) is State.EXPIRED:
            with pytest.raises(DelegationNotActive):
                revoke_delegation(self.world.parts, caller, delegation_id=held.id)
        else:
            self.held[to] = revoke_delegation(self.world.parts, caller, delegation_id=held.id)
            assert self.held[to].state is State.REVOKED

    @rule(days=st.integers(1, 2))
    def wait(self, days: int) -> None:
        self.world.clock.advance(timedelta(days=days))

    @rule()
    def housekeeping(self) -> None:
        purge.expire_delegations(self.world.database, self.world.clock)

    @invariant()
    def what_is_listed_is_what_is_held(self) -> None:
        listed = list_delegations(
            self.world.parts, self.world.herself(self.principal), person_id=self.principal.id
        )
        by_id = {each.id: each for each in listed}
        for held in self.held.values():
            assert by_id[held.id].state is held.state_on(self.today)
            assert by_id[held.id].powers == held.powers
        active = {each.id for each in listed if each.state is State.ACTIVE}
        assert active <= {held.id for held in self.held.values()}
        for each in listed:
            assert [e.sequence for e in self.world.events(each.id)] == list(range(1, each.version + 1))


def test_delegations_behave_as_the_model(world: World) -> None:
    class OnThisDatabase(Delegations):
        pass

    OnThisDatabase.world = world
    OnThisDatabase.people = (world.registered(), world.registered(), world.registered())
    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=12,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
