"""The whole house with people at its desk: agents in real browsers, customers on the emulated phones.

The people are the demo's (`store.demo.staff`): Amina answers every language, Youssef Arabic and Darija, Salma
supervises, Karim administers. They sign in as everybody does, or get their cookie at once where signing in is not
what is tested.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from house import House, Phone, open_house  # of tests/acceptance, where all who use this are
from playwright.async_api import Browser, BrowserContext, Page
from sqlalchemy import select

from bot.clock import system_clock
from bot.desk.access import COOKIE
from store import user_sessions
from store.database import Database
from store.demo import staff
from store.demo.desk import load_desk
from store.desk_models import HandOver, User
from store.models import Conversation
from store.passwords import hashed

AMINA, YOUSSEF, SALMA, KARIM = (person.email for person in staff.STAFF)
WIDE, NARROW = (1280, 800), (390, 844)
Scheme = Literal["light", "dark"]


@dataclass
class Window:
    """How somebody looks at the desk: the interface's language, width and height in pixels, light or dark."""

    language: str = "fr"
    size: tuple[int, int] = WIDE
    scheme: Scheme = "light"

    def __str__(self) -> str:
        return f"{self.language}-{self.size[0]}-{self.scheme}"


@dataclass
class DeskHouse:
    """The house, and a browser for its agents. `troubles` are errors that pages have logged or thrown."""

    house: House
    browser: Browser
    troubles: list[str] = field(default_factory=list)

    def phone(self, channel: str, number: str) -> Phone:
        return self.house.phone(channel, number)

    async def enters(self, email: str, window: Window | None = None, **context: Any) -> Page:
        """A page of somebody who has signed in already, on the queue."""
        window = window or Window()
        page = await self.opens(window, **context)
        await self.give_cookie(page, email, window)
        await page.goto("/desk/queue" if email != KARIM else "/desk/people")
        return page

    async def give_cookie(self, page: Page, email: str, window: Window, *, is_complete: bool = True) -> None:
        """Sign a page's browser in, in the interface's language of the window."""
        token = await self.token(email, window.language, is_complete=is_complete)
        await page.context.add_cookies([{"name": COOKIE, "value": token, "url": self.house.base}])

    async def token(self, email: str, language: str = "fr", *, is_complete: bool = True) -> str:
        """The cookie's value for somebody who has signed in, or with the password only."""
        async with self.house.service.database.writing() as session:
            user = (await session.scalars(select(User).where(User.email == email))).one()
            user.language = language
            return await user_sessions.open_session(session, user.id, system_clock(), is_complete=is_complete)

    async def signs_in(self, email: str, window: Window | None = None) -> Page:
        """A page of somebody who has just signed in with the password."""
        page = await self.opens(window or Window())
        await page.goto("/desk")
        await page.locator("input[name=email]").fill(email)
        await page.locator("input[name=password]").fill(staff.PASSWORD)
        await page.locator("main button[type=submit]").first.click()
        await page.wait_for_url("**/desk/queue")
        return page

    async def opens(self, window: Window, **context: Any) -> Page:
        """A page of a browser of its own, nobody signed in."""
        width, height = window.size
        opened: BrowserContext = await self.browser.new_context(
            base_url=self.house.base,
            viewport={"width": width, "height": height},
            color_scheme=window.scheme,
            locale=window.language,
            reduced_motion="reduce",
            **context,
        )
        opened.set_default_timeout(20_000)
        page = await opened.new_page()
        page.on("pageerror", lambda error: self.troubles.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda message: self.troubles.append(f"{page.url}: {message.text}") if message.type == "error" else None,
        )
        return page

    async def conversation_of(self, channel: str, number: str) -> Conversation:
        """A phone's conversation on a channel where it is known by its number."""
        async with self.house.service.database.reading() as session:
            query = select(Conversation).where(Conversation.channel == channel, Conversation.address == number)
            return (await session.scalars(query)).one()

    async def hand_overs_of(self, conversation_id: int) -> list[HandOver]:
        """Those of a conversation, the earliest first."""
        async with self.house.service.database.reading() as session:
            query = select(HandOver).where(HandOver.conversation_id == conversation_id).order_by(HandOver.id)
            return list(await session.scalars(query))


@asynccontextmanager
async def open_desk_house(
    model: Path, database_url: str, browser: Browser, assistant: Any = None
) -> AsyncIterator[DeskHouse]:
    """The house with the demo's customers, people and work."""
    async with open_house(model, database_url, assistant) as house:
        await furnish_desk(house.service.database)
        yield DeskHouse(house, browser)


async def furnish_desk(database: Database) -> None:
    """People, teams, canned answers, and a month of work, on a database with the demo's customers."""
    password_hash = await hashed(staff.PASSWORD)
    async with database.writing() as session:
        await load_desk(session, system_clock(), password_hash)
