"""`POST /api/v1/recharges`: a recharge of a prepaid meter, which pays back advanced kWh."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from actions.operator import Operator
from bot.api.access import allowed
from bot.api.answers import answers
from bot.api.fields import STORABLE
from bot.api.payments import CLOCKS_APART
from bot.clock import Clock, system_clock
from store.api_keys import Scope
from store.database import Database
from store.models import Billing
from store.prepaid import RechargeDiffers, record_recharge
from store.supplies import contract_by_number


class RechargeReport(BaseModel):
    """A recharge; `reference` is the operator's own, and reporting it again changes nothing."""

    model_config = ConfigDict(extra="forbid")

    reference: Annotated[str, Field(min_length=1, max_length=64, examples=["RCH-2026-000123"]), STORABLE]
    contract: Annotated[str, Field(min_length=1, max_length=24, examples=["10000004"]), STORABLE]
    kwh: Annotated[Decimal, Field(gt=0, max_digits=10, decimal_places=2, examples=["50.00"])]
    """What was bought."""
    at: AwareDatetime


class RechargeResult(BaseModel):
    """The kWh of the recharge that pay an advance back; the meter gets the others."""

    paid_back: Decimal


def recharges_router(database: Database, operator: Operator, clock: Clock = system_clock) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["recharges"])
    permitted = allowed(database, Scope.RECHARGES)

    @router.post(
        "/recharges",
        operation_id="report_recharge",
        responses=answers(_404="No such prepaid contract", _409="The reference is known with other kWh"),
    )
    async def report_recharge(recharge: RechargeReport, actor: str = permitted) -> RechargeResult:
        """Enter a recharge in the contract's account of advances, and tell the customer what it paid back."""
        now = clock()
        if recharge.at > now + CLOCKS_APART:
            raise HTTPException(422, "at is in the future")
        async with database.writing() as session:
            contract = await contract_by_number(session, recharge.contract)
            if contract is None or contract.billing is not Billing.PREPAID:
                raise HTTPException(404, f"there is no prepaid contract {recharge.contract}")
            try:
                line = await record_recharge(
                    session,
                    contract,
                    recharge.reference,
                    recharge.kwh,
                    recharge.at,
                    policy=operator.prepaid.kwh_advance,
                    actor=actor,
                    now=now,
                )
            except RechargeDiffers as error:
                raise HTTPException(409, str(error)) from error
        return RechargeResult(paid_back=-line.kwh)

    return router
