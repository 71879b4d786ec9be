"""Plans: written, signed, and then as they are."""

from pathlib import Path
from typing import Any

import pydantic
import pytest
import sqlalchemy as sa

from services.chassis.database import Database
from services.chassis.ids import new_id
from services.chassis.refusal import NotFound, Refusal
from services.contracts.territory import read_territory
from services.vouchers.application.load_territory import load_territory
from services.vouchers.application.read_plans import GetPlanQuery
from services.vouchers.application.sign_plan import SignPlanCommand
from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.refusals import PersonNotYetKnown, PlanAlreadySigned, ServiceNotYetKnown
from services.vouchers.persistence import copies
from tests.vouchers.world import HOME_CARE, MEAL_VOUCHER, MEALS, SAD, SOCIAL_WORKER, World, citizen

TRADATE = Path(__file__).parents[3] / "deploy" / "data" / "tradate"


def test_a_draft_has_its_lines_in_order_and_in_the_measures_unit(world: World) -> None:
    lines = [
        {"measure": SAD, "service": HOME_CARE, "section": "anziani", "quantity": 1200},
        {"measure": MEAL_VOUCHER, "service": MEALS, "quantity": 50_000},
    ]
    person = world.person()
    draft = world.draft(person, lines=lines)
    found = world.run(world.read.get, citizen(person), GetPlanQuery(plan_id=draft.id))
    assert found == draft
    assert [(line.service, line.unit, line.section) for line in found.lines] == [
        (HOME_CARE, Unit.MINUTES, "anziani"),
        (MEALS, Unit.CENTS, "anziani"),
    ]
    assert (found.state, found.goals, found.version) == ("draft", "Restare a casa", 1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"valid_to": "2026-02-28"}, "valid_to"),
        ({"lines": [{"measure": "ignota", "service": HOME_CARE, "quantity": 60}]}, "lines.0.measure"),
        (
            {
                "lines": [
                    {"measure": SAD, "service": HOME_CARE, "quantity": 60},
                    {"measure": SAD, "service": HOME_CARE, "section": "minori", "quantity": 60},
                ]
            },
            "lines.1.section",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        world.draft(world.person(), **changes)
    assert (refused.value.type, refused.value.field) == ("invalid-field", field)


def test_a_measure_pays_in_its_own_sections_only(world: World) -> None:
    """Also for a service that lists the measure: the measure's own sections decide."""
    copy = copies.ServiceCopy("doposcuola", "minori", 60, 2200, frozenset({SAD}))
    world.run(copies.keep_service, copy, 1)
    lines = [
        {"measure": SAD, "service": HOME_CARE, "section": "anziani", "quantity": 60},
        {"measure": SAD, "service": "doposcuola", "section": "minori", "quantity": 60},
    ]
    with pytest.raises(Refusal) as refused:
        world.draft(world.person(), lines=lines)
    assert (refused.value.type, refused.value.field) == ("invalid-field", "lines.1.section")
    assert refused.value.facts["section"] == "minori"
    assert world.draft(world.person(), lines=lines[:1]).lines[0].section == "anziani"


def test_the_demos_line_is_one_that_its_measure_pays_for(database: Database) -> None:
    """Every pair of measure and service of Tradate's data, the demo's among them, can be a plan's line."""
    territory = read_territory(TRADATE)
    world = World(database)
    world.run(load_territory, territory)
    lines = []
    for service in territory.services:
        price, measures = service.price_cents, frozenset(service.measures)
        copy = copies.ServiceCopy(service.slug, service.section or "", 60, price, measures)
        world.run(copies.keep_service, copy, 1)
        lines += [{"measure": slug, "service": service.slug, "quantity": 60} for slug in service.measures]
    demo = {"measure": "buono-domiciliarita", "service": "sad-anziani", "quantity": 60}
    assert demo in lines
    person = world.person()
    assert world.draft(person, lines=[demo | {"section": "anziani"}]).lines[0].section == "anziani"
    for line in lines:
        world.draft(person, lines=[line])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"valid_from": "2/3/2026"}, "valid_from"),
        ({"valid_from": "2026-02-30"}, "valid_from"),
        ({"lines": []}, "lines"),
        ({"lines": [{"measure": SAD, "service": HOME_CARE, "quantity": 1}] * 21}, "lines"),
        ({"lines": [{"measure": SAD, "service": HOME_CARE, "quantity": 0}]}, "lines.0.quantity"),
        ({"lines": [{"measure": SAD, "service": "Not A Slug", "quantity": 1}]}, "lines.0.service"),
        ({"goals": "x" * 4001}, "goals"),
        ({"person_id": "Mario Rossi"}, "person_id"),
    ],
)
def test_malformed_requests_are_refused_by_name(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(pydantic.ValidationError) as refused:
        world.draft(world.person(), **changes)
    assert ".".join(map(str, refused.value.errors()[0]["loc"])) == field


def test_what_has_not_been_heard_of_yet_may_be_tried_again(world: World) -> None:
    with pytest.raises(PersonNotYetKnown) as refused:
        world.draft(new_id())
    assert refused.value.retry_after_seconds == 1
    with pytest.raises(ServiceNotYetKnown) as unknown:
        world.draft(world.person(), lines=[{"measure": SAD, "service": "nuovo", "quantity": 1}])
    assert unknown.value.field == "lines.0.service"


def test_signed_once_and_for_all(world: World) -> None:
    signed = world.signed(world.person())
    assert (signed.state, signed.signed_by, signed.version) == ("signed", "beneficiary", 2)
    assert signed.signed_at == world.clock.now()
    again = SignPlanCommand(plan_id=signed.id, signed_by="delegate")
    with pytest.raises(PlanAlreadySigned):
        world.run(world.sign, SOCIAL_WORKER, again)


def test_an_unknown_plan_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        world.run(world.sign, SOCIAL_WORKER, SignPlanCommand(plan_id=new_id(), signed_by="delegate"))


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE plan SET valid_to = valid_to + 1 WHERE id = :id",
        "UPDATE plan SET state = 'draft', signed_by = NULL WHERE id = :id",
        "DELETE FROM plan WHERE id = :id",
        "UPDATE plan_line SET quantity = quantity + 1 WHERE plan_id = :id",
        "DELETE FROM plan_line WHERE plan_id = :id",
    ],
)
def test_not_even_the_service_itself_changes_a_signed_plan(world: World, tampering: str) -> None:
    signed = world.signed(world.person())
    with pytest.raises(sa.exc.IntegrityError), world.database.transaction() as connection:
        connection.execute(sa.text(tampering), {"id": signed.id})
