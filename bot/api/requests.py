"""`/api/v1/requests`: what waits for a decision, one request in full, and a person's decision on it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from actions.operator import Operator
from billing.reference import parse_reference
from bot.api.access import allowed
from bot.api.answers import answers
from bot.api.fields import STORABLE
from bot.clock import Clock, system_clock
from bot.commands.request_record import listed, record, terms_of
from bot.faults import Fault
from store import decisions
from store.api_keys import Scope
from store.database import Database
from store.decisions import BadDecision
from store.models import RequestKind, RequestState
from store.prepaid import NotAnAdvance
from store.requests import NotAllowed, request_by_reference


class Part(BaseModel):
    """One payment of a schedule: the day and dirhams."""

    model_config = ConfigDict(extra="forbid")

    due_on: date
    amount: Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2)]


class Decision(BaseModel):
    """What the person `by` decided. The customer reads `reason`; refusing needs one.

    `schedule` takes the place of the payments that the customer asked for; it keeps to the operator's policy.
    """

    model_config = ConfigDict(extra="forbid")

    decision: Literal["review", "grant", "refuse"]
    by: Annotated[str, Field(min_length=1, max_length=40, examples=["amina"]), STORABLE]
    reason: Annotated[str, Field(max_length=decisions.MOST_REASON), STORABLE] | None = None
    schedule: Annotated[list[Part] | None, Field(min_length=1, max_length=36)] = None


def requests_router(database: Database, operator: Operator, clock: Clock = system_clock) -> APIRouter:
    router = APIRouter(prefix="/api/v1/requests", tags=["requests"])
    terms = terms_of(operator)
    may_look = allowed(database, Scope.REQUESTS_READ, Scope.REQUESTS)
    may_decide = allowed(database, Scope.REQUESTS)

    @router.get("", operation_id="list_requests", responses=answers())
    async def list_requests(
        kind: RequestKind | None = None,
        state: RequestState | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        _actor: str = may_look,
    ) -> list[dict[str, Any]]:
        """Requests of a kind and a state, by default those not decided, the longest waiting first."""
        return await listed(database, kind=kind, state=state, late_on=None, limit=limit)

    @router.get("/{reference}", operation_id="show_request", responses=answers(404))
    async def show_request(reference: str, _actor: str = may_look) -> dict[str, Any]:
        """All that is known of a request; amounts in dirhams, as text."""
        try:
            return await record(database, reference)
        except Fault as error:
            raise HTTPException(404, str(error)) from error

    @router.post(
        "/{reference}/decision",
        operation_id="decide_request",
        responses=answers(404, _409="The request is not in a state to be decided so"),
    )
    async def decide(reference: str, decision: Decision, actor: str = may_decide) -> dict[str, Any]:
        """Take a person's decision; the customer is told."""
        known = parse_reference(reference)
        now = clock()
        who = f"{actor}/{decision.by}"[:64]
        async with database.writing() as session:
            request = None if known is None else await request_by_reference(session, known, hold=True)
            if request is None:
                raise HTTPException(404, f"there is no request {reference}")
            try:
                match decision.decision:
                    case "review":
                        await decisions.review(session, request, who, now)
                    case "refuse":
                        await decisions.refuse(session, request, who, now, decision.reason or "")
                    case "grant":
                        wanted = None
                        if decision.schedule is not None:
                            wanted = [(part.due_on, part.amount) for part in decision.schedule]
                        await decisions.grant(
                            session,
                            request,
                            who,
                            now,
                            terms=terms,
                            reason=decision.reason,
                            schedule=wanted,
                        )
            except NotAllowed as error:
                raise HTTPException(409, str(error)) from error
            except (BadDecision, NotAnAdvance) as error:
                raise HTTPException(422, str(error)) from error
        return await record(database, reference)

    return router
