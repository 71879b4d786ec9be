"""Reading persons' files: who may, and that the person sees it."""

from collections.abc import Callable

import pytest

from services.chassis.caller import Caller, Role
from services.chassis.refusal import InvalidField, NotFound
from services.identity.application.find_person import find_person
from services.identity.application.get_person import get_person
from services.identity.application.list_delegations import list_delegations
from services.identity.application.list_reads import list_reads
from services.identity.application.start_assistance import start_assistance
from services.identity.domain.codice_fiscale_refusals import MalformedCodiceFiscale
from services.identity.persistence.tables import codice_fiscale, file_read
from tests.identity.world import NOW, OPERATOR, TRADATE, VENEGONO, World, new_details


def test_every_look_of_others_is_shown_to_her_newest_first(world: World) -> None:
    person, _ = world.assisted()
    worker, operator = world.staff(f"social_worker:{TRADATE}"), world.staff(OPERATOR)
    get_person(world.parts, worker, person_id=person.id, reason="plan of November")
    code = person.details.codice_fiscale.value
    find_person(world.parts, worker, codice_fiscale=code, reason="she called")
    list_delegations(world.parts, operator, person_id=person.id)
    start_assistance(
        world.parts,
        operator,
        person_id=person.id,
        social_point="tradate",
        identified_by="passport",
        consent=True,
        purpose="book a visit",
    )
    shown = list_reads(world.parts, world.herself(person), person_id=person.id, limit=0)
    assert [(read.operation, read.reason) for read in shown] == [
        ("StartAssistance", "book a visit"),
        ("ListDelegations", "delegations"),
        ("FindPerson", "she called"),
        ("GetPerson", "plan of November"),
    ]
    assert shown[0].reader == "Marta Galli, Social Point Tradate"
    assert shown[3].reader == "Marta Galli, Tradate"
    assert (shown[3].role, shown[3].at) == ("social_worker:L319", NOW)
    assert len(list_reads(world.parts, world.herself(person), person_id=person.id, limit=2)) == 2


def test_her_own_looks_are_not_recorded(world: World) -> None:
    person = world.registered()
    assert (
        get_person(world.parts, world.herself(person), person_id=person.id, reason="").details
        == person.details
    )
    list_reads(world.parts, world.herself(person), person_id=person.id, limit=0)
    assert world.count(file_read) == 0


def test_a_delegates_look_is_recorded_with_her_name(world: World) -> None:
    person, daughter = world.registered(), world.registered(username="anna")
    account = _account_of(world, "anna")
    caller = Caller(account, daughter.id, frozenset({Role("citizen", "*")}), {person.id: frozenset({"read"})})
    get_person(world.parts, caller, person_id=person.id, reason="")
    (shown,) = list_reads(world.parts, world.herself(person), person_id=person.id, limit=0)
    assert (shown.reader, shown.role) == (daughter.details.full_name, "delegate")


def test_staff_say_why(world: World) -> None:
    person = world.registered()
    code = person.details.codice_fiscale.value
    worker, operator = world.staff(f"social_worker:{TRADATE}"), world.staff(OPERATOR)
    looks: list[Callable[[], object]] = [
        lambda: get_person(world.parts, worker, person_id=person.id, reason=" "),
        lambda: find_person(world.parts, operator, codice_fiscale=code, reason=""),
    ]
    for look in looks:
        with pytest.raises(InvalidField) as refused:
            look()
        assert refused.value.field == "reason"
    assert world.count(file_read) == 0


def test_somebody_of_another_comune_is_not_found_like_nobody(world: World) -> None:
    person = world.registered(new_details(comune=VENEGONO))
    worker = world.staff(f"social_worker:{TRADATE}")
    code = person.details.codice_fiscale.value
    answers = []
    for wanted in (code, new_details().codice_fiscale.value):
        with pytest.raises(NotFound) as refused:
            find_person(world.parts, worker, codice_fiscale=wanted, reason="a visit")
        answers.append((str(refused.value), refused.value.field))
    assert answers[0] == answers[1]
    with pytest.raises(NotFound):
        get_person(world.parts, worker, person_id=person.id, reason="a visit")
    assert world.count(file_read) == 0


def test_an_operator_finds_anybody_who_shows_a_document(world: World) -> None:
    person = world.registered(new_details(comune=VENEGONO))
    found = find_person(
        world.parts,
        world.staff(OPERATOR),
        codice_fiscale=f" {person.details.codice_fiscale.value.lower()} ",
        reason="at the desk",
    )
    assert found.id == person.id


def test_a_malformed_code_is_refused_before_anything_is_looked_up(world: World) -> None:
    with pytest.raises(MalformedCodiceFiscale):
        find_person(world.parts, world.staff(OPERATOR), codice_fiscale="RSSMRA", reason="at the desk")


def test_a_code_of_the_past_still_finds_her(world: World) -> None:
    details = new_details()
    person = world.registered(details)
    provisional = new_details().codice_fiscale
    with world.database.transaction() as connection:
        connection.execute(
            codice_fiscale.insert().values(
                value_index=world.parts.data.index_codice_fiscale(provisional),
                person_id=person.id,
                value_sealed=world.parts.data.seal(provisional.value, "codice_fiscale.value", person.id),
                since=NOW,
                until=NOW,
            )
        )
    found = find_person(
        world.parts, world.staff(OPERATOR), codice_fiscale=provisional.value, reason="at the desk"
    )
    assert (found.id, found.details.codice_fiscale) == (person.id, details.codice_fiscale)


@pytest.mark.parametrize("limit", [-1, 201])
def test_the_limit_is_bounded(world: World, limit: int) -> None:
    person = world.registered()
    with pytest.raises(InvalidField):
        list_reads(world.parts, world.herself(person), person_id=person.id, limit=limit)


def _account_of(world: World, username: str) -> str:
    from services.identity.persistence import accounts

    with world.database.read() as connection:
        found = accounts.find_by_username(connection, world.parts.data, username)
    assert found is not None
    return str(found.id)
