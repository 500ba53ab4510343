"""The pages of figures, and that what they read holds nothing else up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from desk_room import NOON, Room
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.apart import Apart
from store.database import Database
from store.desk_models import Role
from store.models import Conversation


async def test_looks_run_apart_on_both_engines(database: Database) -> None:
    async with database.writing() as session:
        await session.execute(insert(Conversation).values(id=1, channel="sms", address="+1", created_at=NOON))

    async def addresses(session: AsyncSession) -> list[str]:
        return list(await session.scalars(select(Conversation.address)))

    assert await Apart(database).look(addresses) == ["+1"]


async def test_a_look_that_fails_says_so_and_the_next_one_works(database: Database) -> None:
    async def broken(session: AsyncSession) -> None:
        raise LookupError("nothing")

    apart = Apart(database)
    for _ in range(3):
        with pytest.raises(LookupError, match="nothing"):
            await apart.look(broken)


@pytest.mark.parametrize("language", ["fr", "ar"])
async def test_the_page_shows_each_figure_as_a_drawing_a_table_and_a_file(database: Database, language: str) -> None:
    room = Room(database)
    salma = await room.person("Salma", role=Role.SUPERVISOR, language=language)
    await room.handed_over(language="fr", minutes=90, ended=1, claimed_at=room.now - timedelta(minutes=80))
    page = (await salma.get("/desk/supervision?days=7&language=fr&team=nobody")).text
    assert page.count('<svg class="chart" viewBox="0 0 400') == 2  # what is empty is not drawn
    assert "10" in page.partition('<dl class="tiles">')[2][:400]  # minutes
    assert (await salma.get("/desk/supervision/now")).status_code == 200
    answer = await salma.get("/desk/supervision/waiting.csv?days=7")
    lines = answer.text.removeprefix("\ufeff").split("\r\n")
    assert [line for line in lines if line.startswith("2026-11-23")] == ["2026-11-23,600,600"]
    assert lines[1] == "2026-11-17,,"  # a gap
    assert (await salma.get("/desk/supervision/unknown.csv")).status_code == 404
