"""Personal plans, written and signed by social workers."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BeforeValidator, Field

from gateway.api.representations import Answer, Body, Items, OptionalInstant, iso
from gateway.auth import SignedIn
from gateway.backends import IdempotencyKey, Services
from services.contracts import limits
from services.contracts.forms import Slug
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2 as pb

router = APIRouter(tags=["plans"])

_UNITS = {pb.UNIT_MINUTES: "minutes", pb.UNIT_CENTS: "cents"}

Unit = Annotated[
    Literal["minutes", "cents"],
    BeforeValidator(lambda value: _UNITS.get(value) if isinstance(value, int) else value),
]


class PlanLineRequest(Body):
    """What the person is to receive."""

    measure: str = Field(min_length=1, max_length=80)
    service: Slug
    section: Slug | Literal[""] = ""
    quantity: int = Field(gt=0, le=10_000_000, description="In the measure's unit: minutes or cents")


class PlanRequest(Body):
    """A plan for a person of the social worker's comune."""

    person_id: UUID
    valid_from: date
    valid_to: date = Field(description="Last day, inclusive")
    goals: str = Field("", max_length=limits.GOALS_CHARACTERS)
    lines: list[PlanLineRequest] = Field(min_length=1, max_length=limits.PLAN_LINES)


class Signature(Body):
    """Who signs with the social worker."""

    signed_by: Literal["beneficiary", "delegate", "support_administrator"]


class PlanLine(Answer):
    """A line of a plan."""

    id: UUID
    measure: str
    service: str
    section: str
    quantity: int
    unit: Unit
    issued: int = Field(description="Already issued as vouchers, in the same unit")


class Plan(Answer):
    """A plan."""

    id: UUID
    person_id: UUID
    comune: str
    state: str = Field(description="draft or signed")
    valid_from: date
    valid_to: date
    goals: str = Field(description="Only for the person and social workers")
    lines: Annotated[list[PlanLine], BeforeValidator(list)]
    written_by: str
    signed_at: OptionalInstant
    version: int


@router.post("/plans", status_code=201)
async def write(body: PlanRequest, key: IdempotencyKey, caller: SignedIn, services: Services) -> Plan:
    """Writes a plan, as a draft. For the social worker of the person's comune."""
    request = pb.WritePlanRequest(
        person_id=str(body.person_id),
        valid_from=iso(body.valid_from),
        valid_to=iso(body.valid_to),
        goals=body.goals,
        lines=[
            pb.PlanLine(
                measure=line.measure, service=line.service, section=line.section, quantity=line.quantity
            )
            for line in body.lines
        ],
    )
    answer = await services.command(services.plans.WritePlan, request, caller, idempotency_key=key)
    return Plan.of(answer.plan)


@router.post("/plans/{plan_id}/signature")
async def sign(plan_id: UUID, body: Signature, caller: SignedIn, services: Services) -> Plan:
    """Signs a plan; from then on it does not change."""
    request = pb.SignPlanRequest(plan_id=str(plan_id), signed_by=body.signed_by)
    return Plan.of((await services.command(services.plans.SignPlan, request, caller)).plan)


@router.get("/plans/{plan_id}")
async def read(plan_id: UUID, caller: SignedIn, services: Services) -> Plan:
    """One plan."""
    request = pb.GetPlanRequest(plan_id=str(plan_id))
    return Plan.of((await services.read(services.plans.GetPlan, request, caller)).plan)


@router.get("/people/{person_id}/plans")
async def list_of_person(person_id: UUID, caller: SignedIn, services: Services) -> Items[Plan]:
    """A person's plans."""
    request = pb.ListPlansRequest(person_id=str(person_id))
    return Items[Plan].of(await services.read(services.plans.ListPlans, request, caller))
