"""What waits for a person's decision, as lists: requests by kind, state, commune and day, and how many there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from sqlalchemy import ColumnElement, String, cast, func, literal, literal_column, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from store.desk_models import User
from store.json_fields import json_field
from store.models import Audit, Contract, Meter, Reading, ReadingState, Register, Request, RequestKind, RequestState
from store.requests import OPEN

PER_PAGE = 50

# In these very words, so that both engines see that the indexes of what waits cover them.
_OPEN = ", ".join(f"'{state.value}'" for state in OPEN)
UNDECIDED: ColumnElement[bool] = literal_column(f"request.state IN ({_OPEN})")
TO_REVIEW: ColumnElement[bool] = literal_column(f"reading.state = '{ReadingState.TO_REVIEW.value}'")


class Stand(StrEnum):
    """Which requests a list shows, by where they stand."""

    UNDECIDED = "undecided"
    RECEIVED = "received"
    UNDER_REVIEW = "under_review"
    GRANTED = "granted"
    BEING_PAID = "being_paid"
    KEPT = "kept"
    BROKEN = "broken"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is to show. `late_on` leaves undecided requests whose day has gone by then; `contract` is how a
    contract's number begins."""

    kinds: Collection[RequestKind] = tuple(RequestKind)
    stand: Stand = Stand.UNDECIDED
    commune: str | None = None
    late_on: date | None = None
    contract: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list, of `total` requests. `reviewers` names who took a request under review, by reference."""

    requests: list[Request]
    total: int
    reviewers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much is undecided: of each kind, how much of that is late, and the readings to review."""

    undecided: Mapping[RequestKind, int]
    late: Mapping[RequestKind, int]
    readings: int


async def waiting(session: AsyncSession, today: date) -> Waiting:
    """How much waits for a decision, in one statement."""
    late = func.count().filter(Request.due_on < today)
    requests = select(type_coerce(Request.kind, String), func.count(), late).where(UNDECIDED).group_by(Request.kind)
    readings = select(literal("reading", String), func.count(), literal(0)).select_from(Reading).where(TO_REVIEW)
    rows = {kind: (some, of_them) for kind, some, of_them in await session.execute(requests.union_all(readings))}
    to_review, _ = rows.pop("reading")
    return Waiting(
        undecided={kind: rows[kind][0] if kind in rows else 0 for kind in RequestKind},
        late={kind: rows[kind][1] if kind in rows else 0 for kind in RequestKind},
        readings=to_review,
    )


async def requests_listed(session: AsyncSession, wanted: Wanted, page: int = 1) -> Listed:
    """Page `page` (from 1) of what is wanted: undecided ones by the day they are due, others the last changed first.

    The contract, the schedule and who looks at each are there too.
    """
    matching = _matching(wanted)
    total = await session.scalar(select(func.count()).select_from(Request).where(*matching)) or 0
    query = (
        select(Request)
        .where(*matching)
        .options(selectinload(Request.contract), selectinload(Request.schedule))
        .limit(PER_PAGE)
        .offset(PER_PAGE * (page - 1))
    )
    if wanted.stand in (Stand.UNDECIDED, Stand.RECEIVED, Stand.UNDER_REVIEW):
        query = query.order_by(Request.due_on.nulls_last(), Request.id)
    else:
        query = query.order_by(Request.changed_at.desc(), Request.id.desc())
    requests = list(await session.scalars(query))
    looked_at = [each.reference for each in requests if each.state is RequestState.UNDER_REVIEW]
    return Listed(requests, total, await _reviewers(session, looked_at))


async def communes_of(session: AsyncSession) -> list[str]:
    """The communes of the contracts that undecided requests are about, in the order of the alphabet."""
    query = select(Contract.commune).join(Request, Request.contract_id == Contract.id).where(UNDECIDED).distinct()
    return sorted(await session.scalars(query))


async def reading_communes(session: AsyncSession) -> list[str]:
    """The communes that readings to review come from, in the order of the alphabet."""
    query = select(Contract.commune).join(Meter, Meter.contract_id == Contract.id)
    query = query.join(Register, Register.meter_id == Meter.id).join(Reading, Reading.register_id == Register.id)
    return sorted(await session.scalars(query.where(TO_REVIEW).distinct()))


def _matching(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if len(wanted.kinds) < len(RequestKind):
        conditions.append(Request.kind.in_(wanted.kinds))
    if wanted.stand is Stand.UNDECIDED or wanted.late_on is not None:
        conditions.append(UNDECIDED)
    if wanted.stand not in (Stand.UNDECIDED, Stand.ALL):
        conditions.append(Request.state == RequestState(wanted.stand))
    if wanted.late_on is not None:
        conditions.append(Request.due_on < wanted.late_on)
    if wanted.commune is not None:
        there = select(Contract.id).where(Contract.commune == wanted.commune)
        said = Request.contract_id.is_(None) & (json_field(Request.details, "commune") == wanted.commune)
        conditions.append(or_(Request.contract_id.in_(there), said))
    if wanted.contract is not None:
        numbered = select(Contract.id).where(Contract.number.startswith(wanted.contract, autoescape=True))
        conditions.append(Request.contract_id.in_(numbered))
    return conditions


async def _reviewers(session: AsyncSession, references: Collection[str]) -> dict[str, str]:
    """Who took these requests under review last, by reference: a name, or who acted as the audit has it."""
    if not references:
        return {}
    subjects = [f"request:{reference}" for reference in references]
    who = func.coalesce(User.name, Audit.actor)
    query = (
        select(Audit.subject, who)
        .outerjoin(User, Audit.actor == literal("user:", String) + cast(User.id, String))
        .where(Audit.subject.in_(subjects), Audit.action == "request.under_review")
        .order_by(Audit.id)
    )
    return {subject.removeprefix("request:"): name for subject, name in await session.execute(query)}
