"""What others tell is kept once, the latest of it, in whatever order it comes."""

import pytest

from services.chassis.ids import new_id
from services.chassis.messaging.received import PermanentFailure
from services.contracts.events.catalogue import ProviderPublished, ServicePublished
from services.contracts.events.identity import PersonContactChanged, PersonRegistered
from services.vouchers.application.keep_copies import keep_person, keep_provider, keep_service
from services.vouchers.persistence import copies
from tests.vouchers.world import TRADATE, VENEGONO, World


def test_persons(world: World) -> None:
    person = new_id()
    registered = PersonRegistered.model_validate(
        {**PersonRegistered.example, "person_id": str(person), "comune": TRADATE}
    )
    moved = PersonContactChanged.model_validate(
        {**PersonRegistered.example, "person_id": str(person), "comune": VENEGONO}
    )
    world.run(keep_person, world.received(PersonContactChanged, moved.to_json(), sequence=2))
    world.run(keep_person, world.received(PersonRegistered, registered.to_json(), sequence=1))
    with world.database.read() as connection:
        assert copies.comune_of(connection, person) == VENEGONO


def test_providers(world: World) -> None:
    def published(state: str, sequence: int) -> None:
        fact = {**ProviderPublished.example["accreditations"][0], "state": state}
        data = ProviderPublished.model_validate(
            {**ProviderPublished.example, "provider": "erica", "accreditations": [fact]}
        )
        world.run(keep_provider, world.received(ProviderPublished, data.to_json(), sequence=sequence))

    def states() -> list[str] | None:
        with world.database.read() as connection:
            found = copies.accreditations_of(connection, "erica")
        return None if found is None else [held.state for held in found]

    assert states() is None
    published("accredited", 1)
    published("suspended", 3)
    published("accredited", 2)
    published("suspended", 3)
    assert states() == ["suspended"]


def test_services(world: World) -> None:
    def published(price: int, sequence: int) -> None:
        data = ServicePublished.model_validate(
            {**ServicePublished.example, "service": "nuovo", "price_cents": price}
        )
        world.run(keep_service, world.received(ServicePublished, data.to_json(), sequence=sequence))

    published(2400, 2)
    published(2200, 1)
    with world.database.read() as connection:
        found = copies.find_service(connection, "nuovo")
    assert found is not None
    assert (found.price_cents, found.measures, found.duration_minutes) == (2400, frozenset({"SAD"}), 60)


def test_what_is_no_such_event_is_for_the_dead_letters(world: World) -> None:
    with pytest.raises(PermanentFailure):
        world.run(keep_person, world.received(PersonRegistered, b'{"comune": "L319"}'))
