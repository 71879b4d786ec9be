"""Taking over an account with a code on paper."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from services.chassis.refusal import Refusal
from services.identity.application.claim_account import claim_account
from services.identity.application.issue_claim_code import AlreadyClaimed, issue_claim_code
from services.identity.application.log_in import log_in
from services.identity.domain.account import UsernameTaken
from services.identity.domain.claim import ClaimExpired, ClaimRefused, ClaimUsed
from services.identity.domain.throttle import TooManyAttempts
from services.identity.persistence.persons import PersonRecord
from services.identity.persistence.tables import account, claim
from tests.identity.world import OPERATOR, PASSWORD, World, attempt, new_details

WRONG = "0000-0000-0000-0000"


def take_over(world: World, person: PersonRecord, code: str, username: str = "anna") -> PersonRecord:
    return claim_account(
        world.parts,
        codice_fiscale=person.details.codice_fiscale.value,
        claim_code=code,
        username=username,
        password=PASSWORD,
        client_address=None,
    )


def test_the_right_code_makes_the_account_and_tells_of_it(world: World) -> None:
    person, code = world.assisted()
    claimed = take_over(world, person, code.lower().replace("-", " "))
    assert (claimed.id, claimed.claimed, claimed.version) == (person.id, True, 2)
    assert [(e.type.split(".")[3], e.sequence) for e in world.events(person.id)] == [
        ("registered", 1),
        ("contact-changed", 2),
    ]
    signed_in = log_in(world.parts, username="anna", password=PASSWORD, client_address=None)
    assert signed_in.person_id == person.id


def test_a_used_code_is_used(world: World) -> None:
    person, code = world.assisted()
    take_over(world, person, code)
    with pytest.raises(ClaimUsed):
        take_over(world, person, code, "anna2")
    assert len([row for row in world.rows(account) if row.person_id == person.id]) == 1


def test_of_several_at_once_with_the_right_code_one_gets_the_account(world: World) -> None:
    person, code = world.assisted()
    together = Barrier(8)

    def take(number: int) -> str:
        together.wait()
        try:
            take_over(world, person, code, f"anna{number}")
        except (ClaimUsed, TooManyAttempts) as refusal:
            return type(refusal).__name__
        return "claimed"

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(take, range(8))).count("claimed") == 1
    assert [e.sequence for e in world.events(person.id)] == [1, 2]


def test_an_expired_code_is_said_to_be_only_to_who_has_it(world: World) -> None:
    person, code = world.assisted()
    world.clock.advance(timedelta(days=90))
    with pytest.raises(ClaimExpired):
        take_over(world, person, code)
    with pytest.raises(ClaimRefused):
        take_over(world, person, WRONG)


def test_wrong_codes_use_the_attempts_up_and_then_the_right_one_is_wrong(world: World) -> None:
    person, code = world.assisted()
    for _ in range(10):
        with pytest.raises(ClaimRefused):
            take_over(world, person, WRONG)
        world.clock.advance(timedelta(minutes=10))
    assert world.rows(claim)[0].attempts_left == 0
    with pytest.raises(ClaimRefused):
        take_over(world, person, code)


def test_guesses_in_a_row_are_throttled(world: World) -> None:
    person, _ = world.assisted()
    for _ in range(6):
        with pytest.raises(ClaimRefused):
            take_over(world, person, WRONG)
    with pytest.raises(TooManyAttempts) as refused:
        take_over(world, person, WRONG)
    assert refused.value.retry_after_seconds == 1


def test_an_unknown_person_and_one_without_a_claim_have_the_same_answer(world: World) -> None:
    def answer(person: PersonRecord) -> tuple[type[Refusal], str]:
        with pytest.raises(Refusal) as refused:
            take_over(world, person, WRONG)
        return type(refused.value), refused.value.message("it")

    registered = world.registered()
    made_up = PersonRecord(registered.id, new_details(), registered.registered_at, None, False, 1)
    assert answer(registered) == answer(made_up) == answer(world.assisted()[0])


def test_a_taken_username_costs_neither_the_code_nor_an_attempt(world: World) -> None:
    world.registered(username="anna")
    person, code = world.assisted()
    with pytest.raises(UsernameTaken):
        take_over(world, person, code)
    row = world.rows(claim)[0]
    assert (row.attempts_left, row.used_at) == (10, None)
    assert take_over(world, person, code, "anna.b").claimed


def new_code(world: World, person: PersonRecord, key: str | None = None) -> str:
    return issue_claim_code(
        world.parts,
        world.staff(OPERATOR),
        attempt(key),
        person_id=person.id,
        social_point="tradate",
        identified_by="passport",
        consent=True,
    )


def test_a_new_code_replaces_the_old_and_is_shown_to_her(world: World) -> None:
    person, old = world.assisted()
    new = new_code(world, person, "k-1")
    assert new_code(world, person, "k-1") == new != old
    with pytest.raises(ClaimRefused):
        take_over(world, person, old)
    assert take_over(world, person, new).claimed


def test_no_code_for_who_has_an_account(world: World) -> None:
    with pytest.raises(AlreadyClaimed):
        new_code(world, world.registered())
