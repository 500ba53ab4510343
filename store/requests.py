"""Requests: what a customer asked for and a person has to decide or do."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from store.models import Audit, Request, RequestKind, RequestState

OPEN = (RequestState.RECEIVED, RequestState.UNDER_REVIEW)
"""States in which nothing is decided yet."""


async def open_requests(session: AsyncSession, contract_id: int, kind: RequestKind) -> list[Request]:
    """The undecided requests of a kind on a contract, the oldest first."""
    query = (
        select(Request)
        .where(Request.contract_id == contract_id, Request.kind == kind, Request.state.in_(OPEN))
        .order_by(Request.id)
    )
    return list(await session.scalars(query))


async def receive(session: AsyncSession, request: Request, actor: str) -> None:
    """Store a new request, and that `actor` made it."""
    session.add(request)
    session.add(
        Audit(
            at=request.created_at,
            actor=actor,
            action="request.received",
            subject=f"request:{request.reference}",
            details={"kind": request.kind},
        )
    )
    await session.flush()
