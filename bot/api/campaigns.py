"""`/api/v1/campaigns`: proactive messages to many customers. Written, looked at, started, paused, followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from actions.operator import Operator
from bot.api.access import allowed
from bot.api.answers import answers
from bot.campaigns import Preview, preview, start
from bot.channels.carrier import Channel
from bot.clock import Clock, system_clock
from bot.engine.texts import Texts
from nlu import communes
from store.api_keys import Scope
from store.audience import RechargeRound, Selection
from store.campaign_progress import progress
from store.campaigns import (
    CampaignRefused,
    NoSuchCampaign,
    all_campaigns,
    campaign_named,
    create,
    move,
    selection_of,
)
from store.database import Database
from store.models import Campaign

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]


class Draft(BaseModel):
    """A campaign to write down: its name, which stands in addresses, and whom it is for."""

    model_config = ConfigDict(extra="forbid")

    name: Name = Field(examples=["december-ifrane"])
    selection: Selection


REPLIES = answers(404, _409="Not possible in the state that the campaign is in, or the name is taken")


def campaigns_router(
    database: Database,
    texts: Texts,
    operator: Operator,
    rates: Mapping[Channel, float],
    clock: Clock = system_clock,
) -> APIRouter:
    """`rates` are messages of campaigns a second on each channel that messages can be sent on."""
    router = APIRouter(prefix="/api/v1/campaigns", tags=["campaigns"])
    permitted = allowed(database, Scope.CAMPAIGNS)

    @router.get("", operation_id="list_campaigns", responses=answers())
    async def list_campaigns(_actor: str = permitted) -> list[dict[str, Any]]:
        """All campaigns, the newest first."""
        async with database.reading() as session:
            return [_shown(each) for each in await all_campaigns(session)]

    @router.post("", operation_id="write_campaign", status_code=201, responses=answers(_409="The name is taken"))
    async def write_campaign(draft: Draft, actor: str = permitted) -> dict[str, Any]:
        """Write a draft down. Nothing is sent before it is started."""
        try:
            async with database.writing() as session:
                selection = _in_a_known_commune(draft.selection)
                return _shown(await create(session, draft.name, selection, actor, clock()))
        except CampaignRefused as error:
            raise _answer(error) from error

    @router.get("/{name}", operation_id="show_campaign", responses=answers(404))
    async def show_campaign(name: Name, _actor: str = permitted) -> dict[str, Any]:
        """How far it has come, in customers: waiting, queued, sent, delivered, failed, skipped and why, replied."""
        try:
            async with database.reading() as session:
                campaign = await campaign_named(session, name)
                return _shown(campaign) | {"progress": asdict(await progress(session, campaign.id))}
        except CampaignRefused as error:
            raise _answer(error) from error

    @router.get("/{name}/preview", operation_id="preview_campaign", responses=answers(404))
    async def preview_campaign(name: Name, _actor: str = permitted) -> Preview:
        """What it would send now: how many, to whom not and why, SMS parts, seconds, an example a language."""
        try:
            async with database.reading() as session:
                selection = selection_of(await campaign_named(session, name))
        except CampaignRefused as error:
            raise _answer(error) from error
        return await preview(database, texts, operator, rates, selection, clock())

    @router.post("/{name}/start", operation_id="start_campaign", responses=REPLIES)
    async def start_campaign(name: Name, actor: str = permitted) -> dict[str, Any]:
        """Put its messages down and let it run. Large ones take a while; repeated after a lost answer, it goes on."""
        try:
            await start(database, name, actor, clock())
        except CampaignRefused as error:
            raise _answer(error) from error
        return await show_campaign(name, actor)

    @router.post("/{name}/{verb}", operation_id="move_campaign", responses=REPLIES)
    async def move_campaign(
        name: Name, verb: Literal["pause", "resume", "cancel"], actor: str = permitted
    ) -> dict[str, Any]:
        """Stop it for now, go on, or stop it for good; what no process has in hand is taken back."""
        try:
            async with database.writing() as session:
                await move(session, name, verb, actor, clock())
        except CampaignRefused as error:
            raise _answer(error) from error
        return await show_campaign(name, actor)

    return router


def _shown(campaign: Campaign) -> dict[str, Any]:
    finished_at: datetime | None = campaign.finished_at
    return {
        "name": campaign.name,
        "state": campaign.state.value,
        "selection": campaign.selection,
        "created_at": campaign.created_at.isoformat(),
        "created_by": campaign.created_by,
        "finished_at": finished_at and finished_at.isoformat(),
    }


def _in_a_known_commune(selection: Selection) -> Selection:
    """The commune of a round by its own name, however it was written; 422 for one that nobody knows."""
    if not isinstance(selection, RechargeRound):
        return selection
    name = communes.known().canonical(selection.commune)
    if name is None:
        raise HTTPException(422, f"{selection.commune!r} is not a commune that we know")
    return selection.model_copy(update={"commune": name})


def _answer(error: CampaignRefused) -> HTTPException:
    return HTTPException(404 if isinstance(error, NoSuchCampaign) else 409, str(error))
