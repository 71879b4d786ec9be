"""One e-mail per household."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.recipients import Recipient, by_email, informed_delegates

HOUSEHOLDS = [uuid4() for _ in range(3)]
recipients = st.builds(
    Recipient, person_id=st.uuids(), household_id=st.sampled_from(HOUSEHOLDS), has_email=st.booleans()
)


@given(recipients, st.lists(recipients, max_size=8))
def test_each_household_with_an_address_gets_exactly_one(
    person: Recipient, delegates: list[Recipient]
) -> None:
    chosen = by_email([person, *delegates])
    reachable = {one.household_id for one in (person, *delegates) if one.has_email}
    assert sorted(one.household_id for one in chosen) == sorted(reachable)
    assert all(one.has_email for one in chosen)


@given(recipients, st.lists(recipients, max_size=8))
def test_the_person_herself_comes_before_any_delegate(person: Recipient, delegates: list[Recipient]) -> None:
    assert (person in by_email([person, *delegates])) == person.has_email


def test_delegates_are_informed_once_and_only_with_a_power_that_informs() -> None:
    first, second, third = UUID(int=1), UUID(int=2), UUID(int=3)
    given_powers = [(second, ["read"]), (first, ["book"]), (second, ["book"]), (third, ["choose_provider"])]
    assert informed_delegates(given_powers) == [second, first]
