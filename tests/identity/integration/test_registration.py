"""Registration, alone and with help."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from services.chassis.caller import ANONYMOUS, Caller, Role
from services.chassis.idempotency import IdempotencyKeyReused
from services.chassis.refusal import Forbidden, InvalidField, Refusal, Unauthenticated
from services.identity.application.register_person import register_person
from services.identity.application.register_person_assisted import register_person_assisted
from services.identity.domain.account import UsernameTaken
from services.identity.domain.codice_fiscale import omocodic_variants
from services.identity.domain.person import AlreadyRegistered, ComuneNotInAmbito
from services.identity.domain.throttle import BY_ADDRESS, TooManyAttempts
from services.identity.persistence.tables import account, claim, codice_fiscale, person
from tests.identity.world import PASSWORD, World, attempt, new_details


def test_she_is_kept_as_she_said_and_told_of(world: World) -> None:
    details = new_details()
    record = world.registered(details)
    assert record.details == details
    assert record.claimed
    assert record.registered_at_social_point is None
    (event,) = world.events(record.id)
    assert event.type == "ambito.identity.person.registered.v1"
    assert event.routing_key == "person.registered.L319.-"
    assert (event.sequence, record.version) == (1, 1)
    assert not event.public
    told = json.loads(event.data)
    assert (told["person_id"], told["comune"]) == (str(record.id), "L319")
    contact = world.parts.data._events.open(told["contact_sealed"], f"contact:{record.id}")
    assert json.loads(contact) == {
        "given_name": details.given_name,
        "email": details.email,
        "phone": details.phone,
    }


def test_the_same_codice_fiscale_is_refused_without_a_word_about_its_owner(world: World) -> None:
    details = new_details()
    world.registered(details)
    with pytest.raises(AlreadyRegistered) as refused:
        world.registered(new_details(codice_fiscale=details.codice_fiscale))
    said = refused.value.message("it") + refused.value.message("en") + repr(refused.value.facts)
    for secret in (details.given_name, details.family_name, details.email, details.address):
        assert str(secret) not in said
    assert refused.value.field == "codice_fiscale"
    assert world.count(person) == world.count(account) == len(world.events()) == 1


def test_an_omocodic_code_is_another_person(world: World) -> None:
    details = new_details()
    other = omocodic_variants(details.codice_fiscale)[0]
    assert world.registered(details).id != world.registered(new_details(codice_fiscale=other)).id


def test_of_twenty_at_once_exactly_one_is_registered(world: World) -> None:
    details, together = new_details(), Barrier(20)

    def register(_: int) -> str:
        together.wait()
        try:
            world.registered(details)
        except AlreadyRegistered:
            return "refused"
        return "registered"

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(register, range(20)))
    assert sorted(outcomes) == ["refused"] * 19 + ["registered"]
    assert world.count(person) == world.count(codice_fiscale) == len(world.events()) == 1


def test_without_the_unique_index_the_race_is_real(own_world: World) -> None:
    """The guard is the primary key of the keyed hash: without it, the same twenty all get in."""
    with own_world.database.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE codice_fiscale DROP CONSTRAINT codice_fiscale_pkey")
    details = new_details()
    own_world.registered(details)
    own_world.registered(details)
    assert own_world.count(person) == 2


def test_the_same_key_gives_the_same_person_and_code(world: World) -> None:
    details = new_details()
    first, code = world.assisted(details, key="k-1")
    again, same_code = world.assisted(details, key="k-1")
    assert (again.id, same_code) == (first.id, code)
    assert world.count(person) == len(world.events()) == 1


def test_twenty_times_the_same_key_at_once_is_one_person(world: World) -> None:
    details, together = new_details(), Barrier(20)
    world.staff("social_point_operator:tradate")

    def register(_: int) -> tuple[str, str]:
        together.wait()
        record, code = world.assisted(details, key="k-1")
        return str(record.id), code

    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(register, range(20)))) == 1
    assert world.count(person) == 1


def test_the_same_key_with_another_body_is_refused(world: World) -> None:
    def register(body: bytes) -> None:
        register_person(
            world.parts,
            ANONYMOUS,
            attempt("k-1", body),
            new_details(),
            username=f"anna.{body.hex()}",
            password=PASSWORD,
            client_address=None,
        )

    register(b"one")
    with pytest.raises(IdempotencyKeyReused):
        register(b"two")
    assert world.count(person) == 1


def test_a_username_is_given_once_and_nothing_stays_of_the_refused(world: World) -> None:
    world.registered(username="anna@example.it")
    with pytest.raises(UsernameTaken):
        world.registered(username="ANNA@example.it")
    assert world.count(person) == world.count(codice_fiscale) == len(world.events()) == 1


def test_a_resident_of_elsewhere_is_refused_by_name_of_the_field(world: World) -> None:
    with pytest.raises(ComuneNotInAmbito) as refused:
        world.registered(new_details(comune="H501"))
    assert (refused.value.field, refused.value.facts) == ("comune", {"comune": "H501"})
    assert world.count(person) == 0


def test_failed_registrations_are_throttled_by_address(world: World) -> None:
    details = new_details()
    world.registered(details)

    def probe() -> None:
        register_person(
            world.parts,
            ANONYMOUS,
            attempt(),
            details,
            username="anna",
            password=PASSWORD,
            client_address="192.0.2.1",
        )

    for _ in range(BY_ADDRESS.free + 1):
        with pytest.raises(AlreadyRegistered):
            probe()
    with pytest.raises(TooManyAttempts):
        probe()


def test_with_help_it_is_recorded_who_where_and_how(world: World) -> None:
    record, _ = world.assisted(new_details(email=None, phone=None))
    (row,) = world.rows(person)
    operator = world.staff("social_point_operator:tradate")
    assert (row.registered_by, row.registered_at_social_point) == (operator.subject, "tradate")
    assert row.identified_by == "identity_card"
    assert not record.claimed
    assert (record.details.email, record.details.phone) == (None, None)


@pytest.mark.parametrize(
    ("roles", "changes", "refusal"),
    [
        (["social_point_operator:tradate"], {"consent": False}, (InvalidField, "consent")),
        (["social_point_operator:tradate"], {"identified_by": "a friend"}, (InvalidField, "identified_by")),
        (["social_point_operator:atlantis"], {"social_point": "atlantis"}, (InvalidField, "social_point")),
        (["social_point_operator:venegono-inferiore"], {}, (Forbidden, None)),
        (["social_worker:L319"], {}, (Forbidden, None)),
        ([], {}, (Unauthenticated, None)),
    ],
)
def test_with_help_only_by_the_desk_and_with_consent(
    world: World, roles: list[str], changes: dict[str, object], refusal: tuple[type[Refusal], str | None]
) -> None:
    caller = Caller("somebody" if roles else "", None, frozenset(map(Role.parse, roles)))
    request = {"social_point": "tradate", "identified_by": "passport", "consent": True} | changes
    with pytest.raises(refusal[0]) as refused:
        register_person_assisted(world.parts, caller, attempt("k"), new_details(), **request)  # type: ignore[arg-type]
    assert refused.value.field == refusal[1]
    assert world.count(person) == world.count(claim) == 0
