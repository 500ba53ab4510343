"""Every page of the desk as axe sees it: both languages, light and dark, a wide screen and a telephone's.

One browser window is resized and recoloured on each page, as a person would do it, instead of loading it anew.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.base import AXE_SCRIPT
from browser import open_browser
from desk_house import AMINA, KARIM, NARROW, SALMA, WIDE, DeskHouse, Scheme, Window, open_desk_house
from playwright.async_api import Page, expect
from sqlalchemy import select

from bot.app import create_app
from bot.desk.rights import rights
from store.desk_models import CannedAnswer, HandOver, Team, User
from store.models import Bill, Contract, Reading, ReadingState, Request, RequestKind, RequestState

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNFINISHED = "somebody who has given the password and not yet the code"
SERIOUS = ("serious", "critical")
LANGUAGES = ("fr", "ar")
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Place:
    """A page: whose it is (nobody's: before signing in), its route, and what follows it in the address.

    What stands in the route's braces is known by the name there, or by another one, `known_as`.
    """

    who: str | None
    route: str
    query: str = ""
    known_as: str | None = None

    def __str__(self) -> str:
        return f"{self.route}{self.query}"

    def address(self, known: dict[str, Any]) -> str:
        return (
            re.sub(r"\{(\w+)(:\w+)?\}", lambda place: str(known[self.known_as or place[1]]), self.route) + self.query
        )


PLACES = (
    Place(None, "/desk/login"),
    Place(UNFINISHED, "/desk/login/second-factor"),
    Place(AMINA, "/desk/account"),
    Place(AMINA, "/desk/account/password"),
    Place(AMINA, "/desk/account/second-factor"),
    Place(AMINA, "/desk/queue"),
    Place(AMINA, "/desk/queue", "?state=mine"),
    Place(AMINA, "/desk/queue", "?state=all"),
    Place(AMINA, "/desk/queue", "?state=closed"),
    Place(AMINA, "/desk/conversations/{conversation_id:int}"),
    Place(AMINA, "/desk/contracts"),
    Place(AMINA, "/desk/contracts/{number}"),
    Place(AMINA, "/desk/decisions"),
    Place(AMINA, "/desk/decisions/{reference}"),
    Place(AMINA, "/desk/decisions/readings"),
    Place(AMINA, "/desk/decisions/readings/{reference}", known_as="reading"),
    Place(AMINA, "/desk/canned"),
    Place(SALMA, "/desk/canned/new"),
    Place(SALMA, "/desk/canned/{answer_id:int}"),
    Place(SALMA, "/desk/supervision"),
    Place(SALMA, "/desk/search"),
    Place(SALMA, "/desk/search", "?text=compteur"),
    Place(SALMA, "/desk/audit"),
    Place(SALMA, "/desk/labels"),
    Place(KARIM, "/desk/people"),
    Place(KARIM, "/desk/people/new"),
    Place(KARIM, "/desk/people/{user_id:int}"),
    Place(KARIM, "/desk/people/teams"),
    Place(KARIM, "/desk/people/teams/new"),
    Place(KARIM, "/desk/people/teams/{team_id:int}"),
    Place(KARIM, "/desk/conversations/1"),  # which administrators may not see
    Place(AMINA, "/desk/nowhere"),
)
NO_PAGES = frozenset(
    {
        "/desk",  # ways to other pages
        "/desk/",
        "/desk/login/oidc",
        "/desk/login/oidc/callback",
        "/desk/contracts/{number}/bills/{bill}/explanation",  # parts
        "/desk/conversations/{conversation_id}/context",
        "/desk/conversations/{conversation_id:int}/canned",
        "/desk/conversations/{conversation_id:int}/composer",
        "/desk/conversations/{conversation_id:int}/transcript",
        "/desk/supervision/now",
        "/desk/counts",  # figures, files, a stream
        "/desk/audit.csv",
        "/desk/supervision/{key}.csv",
        "/desk/contracts/{number}/bills/{bill}/copy",
        "/desk/contracts/{number}/bills/{bill}/picture",
        "/desk/conversations/{conversation_id:int}/messages/{message_id:int}/media/{number:int}",
        "/desk/events",
    }
)
"""Routes that answer with something that is no page of its own."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(model: Path, assistant: object, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DeskHouse]:
    file = tmp_path_factory.mktemp("desk") / "house.db"
    async with (
        open_browser() as browser,
        open_desk_house(model, f"sqlite+aiosqlite:///{file}", browser, assistant) as house,
    ):
        yield house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def known(desk: DeskHouse) -> dict[str, Any]:
    """What stands for the braces of the routes."""
    async with desk.house.service.database.reading() as session:
        scalar = session.scalar
        return {
            "conversation_id": await scalar(
                select(HandOver.conversation_id).where(HandOver.ended_at.is_(None), HandOver.user_id.is_not(None))
            ),
            "number": await scalar(select(Contract.number).where(Contract.number == "10000005")),
            "reference": await scalar(
                select(Request.reference).where(
                    Request.kind == RequestKind.INSTALMENTS, Request.state == RequestState.RECEIVED
                )
            ),
            "user_id": await scalar(select(User.id).where(User.email == AMINA)),
            "team_id": await scalar(select(Team.id).limit(1)),
            "answer_id": await scalar(select(CannedAnswer.id).limit(1)),
            "bill": await scalar(select(Bill.number).limit(1)),
            "reading": await scalar(select(Reading.reference).where(Reading.state == ReadingState.TO_REVIEW)),
        }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_no_serious_finding(desk: DeskHouse, known: dict[str, Any], place: Place, language: str) -> None:
    window = Window(language)
    page = await desk.opens(window)
    if place.who is not None:
        who = AMINA if place.who is UNFINISHED else place.who
        await desk.give_cookie(page, who, window, is_complete=place.who is not UNFINISHED)
    await page.goto(place.address(known))
    assert (await page.evaluate("location.pathname + location.search")) == place.address(known)
    await settled(page)
    assert await page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    await page.evaluate(AXE_SCRIPT)
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        for width, height in (WIDE, NARROW):
            await page.set_viewport_size({"width": width, "height": height})
            assert await findings(page) == [], f"{width} pixels, {scheme}"
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"wider than {width}"
    await page.context.close()


async def test_axe_sees_what_is_wrong(desk: DeskHouse) -> None:
    page = await desk.enters(AMINA)
    await page.evaluate("document.querySelector('main').append(document.createElement('input'), new Image())")
    await page.evaluate(AXE_SCRIPT)
    assert {finding.partition(":")[0] for finding in await findings(page)} >= {"label", "image-alt"}
    await page.context.close()


async def test_every_page_of_the_desk_is_looked_at(desk: DeskHouse) -> None:
    routes = rights(create_app(desk.house.service).routes)
    pages = {right.path for right in routes if right.method == "GET"} - NO_PAGES
    assert pages - {place.route for place in PLACES} == set()


async def settled(page: Page) -> None:
    """Once the parts that the page asks for by itself are there."""
    await expect(page.locator("[hx-trigger^=load] > .empty, .htmx-request")).to_have_count(0)


async def findings(page: Page) -> list[str]:
    """What axe finds that keeps people out, a line each."""
    result = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['target']} {' '.join(node['failureSummary'].split())}"
        for violation in result["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]
