"""A desk without a model: people signed in, conversations handed over, and what its pages answer."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

import httpx
import yaml
from fastapi import FastAPI
from sqlalchemy import select

from actions.operator import load_operator
from bot.desk.access import COOKIE
from bot.desk.app import mount_desk
from bot.desk.context import Desk
from bot.desk.live import Live
from bot.engine.texts import Texts
from bot.sending.attachments import Attachments
from bot.sending.files import FileLinks
from bot.service import LOCALES, OPERATORS
from bot.settings import PROJECT, Settings
from store import user_sessions
from store.database import Database
from store.desk_models import HandOver, Role, Team, TeamMember, User
from store.models import (
    Audit,
    Contract,
    Conversation,
    Customer,
    Direction,
    Message,
    MessageState,
    Notice,
    RegisteredPhone,
)

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOST = "http://desk.test"


@cache
def texts() -> Texts:
    domain = yaml.safe_load((PROJECT / "domain.yml").read_text(encoding="utf-8"))
    return Texts(domain["responses"], LOCALES)


def desk_app(desk: Desk) -> FastAPI:
    """The desk alone: nothing of it starts or stops by itself."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    mount_desk(app, desk)
    return app


def shown(text: str) -> str:
    """A page's text: tags gone, white space as one space."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


@dataclass
class Person:
    """Somebody signed in, with a browser."""

    id: int
    token: str
    csrf: str
    browser: httpx.AsyncClient

    @property
    def actor(self) -> str:
        """What the audit calls them."""
        return f"user:{self.id}"

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.browser.get(path, headers=headers)

    async def part(self, path: str) -> httpx.Response:
        """As htmx asks."""
        return await self.get(path, **{"HX-Request": "true"})

    async def post(self, path: str, headers: dict[str, str] | None = None, **form: Any) -> httpx.Response:
        return await self.browser.post(path, data={"csrf": self.csrf, **form}, headers=headers)


@dataclass
class Room:
    """Time stands still unless a test moves `now`."""

    database: Database
    now: datetime = NOON
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        settings = Settings(_env_file=None, public_url=HOST)
        self.desk = Desk(
            settings=settings,
            database=self.database,
            operator=load_operator(OPERATORS, "onee"),
            texts=texts(),
            carriers={},
            attachments=Attachments({}),
            links=FileLinks(settings),
            live=Live(self.database, self.clock),
            send=lambda _conversation: None,
            clock=self.clock,
        )
        self.app = desk_app(self.desk)
        self._numbers = count(1)

    def refit(self, settings: Mapping[str, Any] | None = None, **parts: Any) -> None:
        """Open the desk anew with other `settings`, or other `parts` of it; whoever is signed in stays so."""
        changed = self.desk.settings.model_copy(update=dict(settings or {}))
        self.desk = replace(self.desk, settings=changed, **parts)
        self.app = desk_app(self.desk)

    def clock(self) -> datetime:
        return self.now

    @asynccontextmanager
    async def live(self) -> AsyncIterator[Live]:
        await self.desk.live.start()
        try:
            yield self.desk.live
        finally:
            await self.desk.live.stop()

    async def listening(self) -> None:
        """Wait until other processes' notices are heard: every page then looks again, which is a new version."""
        async with asyncio.timeout(10):
            while not self.database.is_sqlite and self.desk.live.version == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def team(self, name: str) -> int:
        async with self.database.writing() as session:
            session.add(team := Team(name=name))
        return team.id

    async def person(
        self, name: str = "Amina", *, role: Role = Role.AGENT, language: str = "fr", team_ids: tuple[int, ...] = ()
    ) -> Person:
        """Somebody new, signed in."""
        async with self.database.writing() as session:
            user = User(
                email=f"{next(self._numbers)}@desk.test",
                name=name,
                role=role,
                language=language,
                speaks=["fr"],
                must_change_password=False,
                created_at=self.now,
            )
            session.add(user)
            await session.flush()
            session.add_all(TeamMember(team_id=team_id, user_id=user.id) for team_id in team_ids)
        return await self.signed_in(user.id)

    async def signed_in(self, user_id: int) -> Person:
        """Somebody in a browser of their own, signed in now."""
        async with self.database.writing() as session:
            token = await user_sessions.open_session(session, user_id, self.now, is_complete=True)
            found = await user_sessions.signed_in(session, token, self.now)
            assert found is not None
        browser = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app, raise_app_exceptions=False),
            base_url=HOST,
            cookies={COOKIE: token},
        )
        return Person(user_id, token, found.csrf, browser)

    async def handed_over(
        self,
        *,
        address: str | None = None,
        channel: str = "sms",
        text: str | None = "Bonjour",
        minutes: float = 5,
        ended: float | None = None,
        last_inbound_at: datetime | None = None,
        **values: Any,
    ) -> int:
        """A conversation that has waited for `minutes`, or `ended` so many minutes ago; its number."""
        opened_at = self.now - timedelta(minutes=minutes)
        async with self.database.writing() as session:
            conversation = Conversation(
                channel=channel,
                address=address or f"+2126{next(self._numbers):08}",
                language=values.get("language"),
                holder="assistant" if ended is not None else "agent",
                last_inbound_at=last_inbound_at,
                created_at=opened_at,
            )
            session.add(conversation)
            await session.flush()
            values = {"reason": "asked", "priority": "normal", "opened_at": opened_at} | values
            if ended is not None:
                values |= {
                    "ended_at": self.now - timedelta(minutes=ended),
                    "outcome": values.get("outcome", "solved"),
                }
            session.add(HandOver(conversation_id=conversation.id, **values))
            if text is not None:
                session.add(self.message(conversation, text, opened_at))
        return conversation.id

    def message(self, conversation: Conversation, text: str, at: datetime) -> Message:
        """What a customer wrote, handled."""
        return Message(
            conversation_id=conversation.id,
            channel=conversation.channel,
            direction=Direction.IN,
            carrier_id=f"SM{next(self._numbers)}",
            state=MessageState.HANDLED,
            body=text,
            due_at=at,
            created_at=at,
        )

    async def audited(self, action: str) -> list[Audit]:
        """The lines of the audit about `action`, in order."""
        async with self.database.reading() as session:
            return list(await session.scalars(select(Audit).where(Audit.action == action).order_by(Audit.id)))

    async def notices(self) -> list[Notice]:
        async with self.database.reading() as session:
            return list(await session.scalars(select(Notice).order_by(Notice.id)))

    async def holder(self, name: str, phone: str) -> None:
        """A customer whose contract has a registered phone."""
        async with self.database.writing() as session:
            session.add(customer := Customer(name=name))
            await session.flush()
            contract = Contract(
                number=f"{10_000_000 + next(self._numbers)}",
                customer_id=customer.id,
                utility="electricity",
                billing="postpaid",
                tariff="residential",
                address="1 rue Fictive",
                commune="Salé",
                route="A1",
                opened_on=date(2020, 1, 1),
            )
            session.add(contract)
            await session.flush()
            session.add(RegisteredPhone(contract_id=contract.id, number=phone))
