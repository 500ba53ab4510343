"""`POST /api/v1/payments`: a payment that the operator's system took."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bot.api.access import allowed
from bot.api.answers import answers
from bot.api.fields import STORABLE
from bot.clock import Clock, system_clock
from store.api_keys import Scope
from store.database import Database
from store.payments import PaymentDiffers, Report, record_payment
from store.supplies import contract_by_number

CLOCKS_APART = timedelta(minutes=5)
"""How far the operator's clock may be ahead of ours."""


class PaymentReport(BaseModel):
    """A payment; `reference` is the operator's own, and reporting it again changes nothing."""

    model_config = ConfigDict(extra="forbid")

    reference: Annotated[str, Field(min_length=1, max_length=64, examples=["PAY-2026-000123"]), STORABLE]
    contract: Annotated[str, Field(min_length=1, max_length=24, examples=["10000005"]), STORABLE]
    amount: Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2, examples=["326.26"])]
    """Dirhams."""
    paid_at: AwareDatetime
    method: Annotated[str, Field(max_length=40, examples=["bank_app"]), STORABLE] | None = None


class PaymentResult(BaseModel):
    """`recorded`, or `known` for a reference that was reported before."""

    status: Literal["recorded", "known"]


def payments_router(database: Database, clock: Clock = system_clock) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["payments"])
    permitted = allowed(database, Scope.PAYMENTS)

    @router.post(
        "/payments",
        operation_id="report_payment",
        responses=answers(_404="No such contract", _409="The reference is known with another contract or amount"),
    )
    async def report_payment(payment: PaymentReport, actor: str = permitted) -> PaymentResult:
        """The balance, the schedule of a granted request and the customer know at once."""
        now = clock()
        if payment.paid_at > now + CLOCKS_APART:
            raise HTTPException(422, "paid_at is in the future")
        async with database.writing() as session:
            contract = await contract_by_number(session, payment.contract)
            if contract is None:
                raise HTTPException(404, f"there is no contract {payment.contract}")
            report = Report(payment.reference, payment.amount, payment.paid_at, payment.method)
            try:
                recorded = await record_payment(session, contract, report, actor, now)
            except PaymentDiffers as error:
                raise HTTPException(409, str(error)) from error
        return PaymentResult(status="known" if recorded is None else "recorded")

    return router
