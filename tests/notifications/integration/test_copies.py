"""The service's own copies: complete, sealed, and never overwritten by older events."""

from datetime import date
from uuid import UUID

from services.chassis.ids import new_id
from services.chassis.messaging.processing import Outcome
from services.contracts.events.catalogue import ProviderPublished
from services.contracts.events.identity import DelegationGranted, DelegationRevoked
from services.notifications.bootstrap import contact_seals
from tests.notifications.support.world import Someone, World


def contact_of(world: World, person_id: UUID) -> str:
    sealed = world.scalar("SELECT contact FROM recipient WHERE person_id = :id", id=person_id)
    return contact_seals(world.settings).open(sealed, person_id).model_dump_json()


def test_contact_data_are_kept_sealed_by_our_own_key(world: World) -> None:
    maria = Someone("Maria", "maria@example.org")
    event = world.registered(maria)
    world.told(event)
    kept = str(world.rows("SELECT * FROM recipient"))
    assert "Maria" not in kept
    assert "maria@" not in kept
    assert event.contact_sealed not in kept
    assert "maria@example.org" in contact_of(world, maria.person_id)


def test_a_newer_contact_replaces_an_older_one_and_not_the_reverse(world: World) -> None:
    before = Someone("Maria", None)
    after = Someone("Maria", "maria@example.org", before.household_id, "en", before.person_id)
    world.told(world.registered(after, sequence=2), subject=str(after.person_id), sequence=2)
    world.told(world.registered(before), subject=str(before.person_id), sequence=1)
    assert "maria@example.org" in contact_of(world, after.person_id)
    assert world.rows("SELECT language, has_email, sequence FROM recipient") == [("en", True, 2)]


def test_a_contact_that_does_not_open_is_tried_again(world: World) -> None:
    event = world.registered(Someone("Maria", None))
    broken = event.model_copy(update={"person_id": new_id()})  # sealed for somebody else
    assert world.receive(broken).outcome is Outcome.AGAIN
    assert world.rows("SELECT 1 FROM recipient") == []


def test_a_revocation_that_overtakes_its_grant_holds(world: World) -> None:
    delegation, principal, delegate = new_id(), new_id(), new_id()
    parts = {
        "delegation_id": delegation,
        "principal_id": principal,
        "delegate_id": delegate,
        "comune": "L319",
    }
    world.told(DelegationRevoked(**parts), subject=str(delegation), sequence=2)
    granted = DelegationGranted(**parts, powers=["read"], valid_to=date(2999, 12, 31))
    world.told(granted, subject=str(delegation), sequence=1)
    assert world.scalar("SELECT revoked FROM delegation")


def test_names_follow_the_newest_event(world: World) -> None:
    for sequence, name in ((2, "Aurora"), (3, "Aurora nuova"), (1, "Aurora vecchia")):
        event = ProviderPublished(provider="aurora", name=name, accreditations=[])
        world.told(event, subject="aurora", sequence=sequence)
    assert world.scalar("SELECT name FROM provider_name") == "Aurora nuova"
