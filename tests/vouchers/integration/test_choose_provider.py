"""The choice of a cooperative: the person's own, among those accredited, one at a time."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from services.chassis.caller import Caller
from services.chassis.ids import new_id
from services.chassis.refusal import Refusal
from services.contracts.events.vouchers import VoucherProviderChosen
from services.vouchers.application.choose_provider import ChooseProviderCommand
from services.vouchers.domain.accreditation import Accreditation
from services.vouchers.domain.assignments import Assignment, ChangeRules
from services.vouchers.domain.period import Period
from services.vouchers.domain.voucher import Voucher
from services.vouchers.persistence import copies
from services.vouchers.persistence.tables import assignment
from tests.vouchers.world import AURORA, BETULLA, CEDRO, LAST, TODAY, TRADATE, World, caller, citizen

DAY = timedelta(days=1)


def rows(world: World, voucher: Voucher) -> list[tuple[str, date, date | None, bool]]:
    """The history: provider, first and last day, whether it was replaced before it began."""
    query = (
        sa.select(assignment).where(assignment.c.voucher_id == voucher.id).order_by(assignment.c.chosen_at)
    )
    with world.database.read() as connection:
        return [
            (row.provider, row.valid_from, row.valid_to, row.replaced_at is not None)
            for row in connection.execute(query.order_by(assignment.c.valid_from))
        ]


def test_the_first_choice_makes_the_voucher_active(world: World) -> None:
    voucher = world.chosen(world.issued(world.signed(world.person())))
    assert (voucher.state, voucher.version) == ("active", 2)
    assert voucher.assignments.items == (Assignment(AURORA, TODAY),)
    issued, chosen = world.events(voucher)
    assert (issued.sequence, chosen.sequence, chosen.public) == (1, 2, True)
    assert chosen.routing_key == f"voucher.provider-chosen.{TRADATE}.{AURORA}"
    told = VoucherProviderChosen.model_validate_json(bytes(chosen.data))
    assert (told.provider, told.valid_from) == (AURORA, TODAY)


def test_before_its_first_day_a_voucher_is_assigned_from_that_day_on(world: World) -> None:
    voucher = world.issued(world.signed(world.person()), valid_from="2026-04-01")
    assert world.chosen(voucher).assignments.items == (Assignment(AURORA, date(2026, 4, 1)),)


def test_a_change_keeps_the_history_without_gap_or_overlap(world: World) -> None:
    voucher = world.voucher()
    world.clock.advance(timedelta(hours=1))
    world.chosen(voucher, BETULLA, date(2026, 4, 1))
    world.clock.advance(timedelta(hours=1))
    changed = world.chosen(voucher, AURORA, date(2026, 5, 1))
    assert [item.provider for item in changed.assignments.items] == [AURORA, BETULLA, AURORA]
    assert rows(world, voucher) == [
        (AURORA, TODAY, date(2026, 3, 31), False),
        (BETULLA, date(2026, 4, 1), date(2026, 4, 30), False),
        (AURORA, date(2026, 5, 1), None, False),
    ]
    assert [event.sequence for event in world.events(voucher)] == [1, 2, 3, 4]


def test_a_plan_for_later_that_is_replaced_stays_as_history(world: World) -> None:
    voucher = world.voucher()
    world.clock.advance(timedelta(hours=1))
    world.chosen(voucher, BETULLA, date(2026, 5, 1))
    world.clock.advance(timedelta(hours=1))
    back = world.chosen(voucher, AURORA, date(2026, 4, 1))
    assert back.assignments.items == (Assignment(AURORA, TODAY),)
    assert rows(world, voucher) == [(AURORA, TODAY, None, False), (BETULLA, date(2026, 5, 1), None, True)]


def test_the_same_choice_again_changes_and_tells_nothing(world: World) -> None:
    voucher = world.voucher()
    assert world.chosen(voucher) == voucher
    assert len(world.events(voucher)) == 2


def test_the_database_refuses_two_cooperatives_on_one_day(world: World) -> None:
    voucher = world.voucher()
    overlapping = {
        "id": new_id(),
        "voucher_id": voucher.id,
        "provider": BETULLA,
        "valid_from": TODAY,
        "chosen_by": "x",
        "chosen_at": world.clock.now(),
    }
    with (
        pytest.raises(sa.exc.IntegrityError, match="assignment_one_at_a_time"),
        world.database.transaction() as connection,
    ):
        connection.execute(sa.insert(assignment), overlapping)


class TestAccreditation:
    def refusal(self, world: World, voucher: Voucher, provider: str, first: date | None = None) -> str:
        with pytest.raises(Refusal) as refused:
            world.chosen(voucher, provider, first)
        assert world.now_of(voucher) == voucher
        return refused.value.type

    def test_another_section_is_not_enough(self, world: World) -> None:
        voucher = world.issued(world.signed(world.person()))
        assert self.refusal(world, voucher, CEDRO) == "provider-not-accredited"

    def test_an_unknown_cooperative_may_become_known(self, world: World) -> None:
        voucher = world.issued(world.signed(world.person()))
        assert self.refusal(world, voucher, "dalia") == "provider-not-yet-known"

    def test_it_is_looked_at_on_the_first_day_of_the_choice(self, world: World) -> None:
        voucher = world.issued(world.signed(world.person()))
        held = [Accreditation("anziani", "accredited", Period(date(2026, 1, 1), date(2026, 3, 31)))]
        with world.database.transaction() as connection:
            copies.keep_provider(connection, BETULLA, held, 2)
        assert self.refusal(world, voucher, BETULLA, date(2026, 4, 1)) == "provider-not-accredited"
        assert world.chosen(voucher, BETULLA, date(2026, 3, 31)).state == "active"

    def test_a_suspended_one_is_not_accredited(self, world: World) -> None:
        voucher = world.issued(world.signed(world.person()))
        held = [Accreditation("anziani", "suspended", Period(date(2026, 1, 1), date(2026, 12, 31)))]
        with world.database.transaction() as connection:
            copies.keep_provider(connection, BETULLA, held, 2)
        assert self.refusal(world, voucher, BETULLA) == "provider-not-accredited"


@pytest.mark.parametrize(
    ("first", "refusal"),
    [
        (TODAY - DAY, "invalid-field"),
        (LAST + DAY, "voucher-expired"),
    ],
)
def test_days_outside_the_voucher_are_refused(world: World, first: date, refusal: str) -> None:
    voucher = world.issued(world.signed(world.person()))
    with pytest.raises(Refusal) as refused:
        world.chosen(voucher, AURORA, first)
    assert refused.value.type == refusal
    assert refused.value.field == "valid_from"


def test_the_last_day_can_still_be_chosen_for(world: World) -> None:
    voucher = world.issued(world.signed(world.person()))
    assert world.chosen(voucher, AURORA, LAST).assignments.on(LAST) == Assignment(AURORA, LAST)


def test_before_the_first_day_is_not_yet(world: World) -> None:
    voucher = world.issued(world.signed(world.person()), valid_from="2026-04-01")
    with pytest.raises(Refusal) as refused:
        world.chosen(voucher, AURORA, date(2026, 3, 31))
    assert refused.value.type == "voucher-not-yet-valid"


def test_the_regulation_may_ask_for_notice(world: World) -> None:
    world.settle(changes=ChangeRules(notice_days=7, minimum_interval_days=30))
    voucher = world.voucher()
    with pytest.raises(Refusal) as refused:
        world.chosen(voucher, BETULLA, TODAY + 7 * DAY)
    assert refused.value.type == "provider-change-too-early"
    assert world.chosen(voucher, BETULLA, TODAY + 30 * DAY).version == 3


class TestWhoChooses:
    def choose(self, world: World, by: Caller, voucher: Voucher) -> str:
        try:
            world.chosen(voucher, by=by)
        except Refusal as refusal:
            return refusal.type
        return "chosen"

    @pytest.mark.parametrize(
        ("roles", "power", "answer"),
        [
            (["citizen:*"], "choose_provider", "chosen"),
            (["citizen:*"], "book", "not-your-voucher"),
            (["social_point_operator:tradate"], "choose_provider", "chosen"),
            (["provider_staff:aurora"], "choose_provider", "not-your-voucher"),
            (["citizen:*", "provider_staff:betulla"], "choose_provider", "not-your-voucher"),
            (["provider_client:aurora"], "choose_provider", "not-your-voucher"),
            (["comune_officer:L319"], "choose_provider", "not-your-voucher"),
            (["plan_office:ambito-di-prova"], "choose_provider", "not-your-voucher"),
        ],
    )
    def test_a_power_serves_those_without_an_interest(
        self, world: World, roles: list[str], power: str, answer: str
    ) -> None:
        voucher = world.issued(world.signed(world.person()))
        by = caller("somebody", *roles, acting_for={voucher.person_id: frozenset({power})})
        assert self.choose(world, by, voucher) == answer

    def test_who_works_for_a_cooperative_chooses_for_herself(self, world: World) -> None:
        voucher = world.issued(world.signed(world.person()))
        herself = caller("employee", "citizen:*", "provider_staff:aurora", person=voucher.person_id)
        assert self.choose(world, herself, voucher) == "chosen"

    def test_an_unknown_voucher_is_not_found(self, world: World) -> None:
        command = ChooseProviderCommand(voucher_id=new_id(), provider=AURORA)
        with pytest.raises(Refusal) as refused:
            world.run(world.choose, citizen(new_id()), command)
        assert refused.value.type == "voucher-not-found"
