"""A desk whose customers are the demo's, without a model: an agent's browser for the pages of customers' files."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

import httpx
import yaml
from fastapi import FastAPI
from sqlalchemy import select
from store_rows import DEMO_DAY

from actions.operator import load_operator
from billing.calendar import CASABLANCA
from bot.attachments import Attachments
from bot.desk.access import COOKIE
from bot.desk.context import Desk
from bot.desk.context_panel import context_router
from bot.desk.contract_bills import contract_bills_router
from bot.desk.contracts import contracts_router
from bot.desk.errors import answer_errors
from bot.desk.live import Live
from bot.desk.pages import Pages
from bot.engine.texts import Texts
from bot.files import FileLinks
from bot.service import LOCALES, OPERATORS
from bot.settings import PROJECT, Settings
from store import user_sessions
from store.database import Database
from store.desk_models import Role, User
from store.models import Audit, Contract, Conversation

NOW = datetime.combine(DEMO_DAY, time(10, 30), CASABLANCA)


@dataclass
class FileRoom:
    """`now` stands still unless a test moves it."""

    database: Database
    now: datetime = NOW
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        settings = Settings(_env_file=None, public_url="http://desk.test")
        domain = yaml.safe_load((PROJECT / "domain.yml").read_text(encoding="utf-8"))
        self.desk = Desk(
            settings=settings,
            database=self.database,
            operator=load_operator(OPERATORS, "onee"),
            texts=Texts(domain["responses"], LOCALES),
            carriers={},
            attachments=Attachments(),
            links=FileLinks(settings),
            live=Live(self.database),
            send=lambda _conversation: None,
            clock=lambda: self.now,
        )
        pages = Pages(self.desk.clock)
        self.app = FastAPI()
        for area in (context_router, contracts_router, contract_bills_router):
            self.app.include_router(area(self.desk, pages), prefix="/desk")
        answer_errors(self.app, pages)

    async def agent(self, name: str = "Amina", *, role: Role = Role.AGENT, language: str = "fr") -> Agent:
        """Somebody who signs in now: again, or for the first time."""
        email = f"{name}@desk.test".lower()
        async with self.database.writing() as session:
            user = await session.scalar(select(User).where(User.email == email))
            if user is None:
                user = User(
                    email=email,
                    name=name,
                    role=role,
                    language=language,
                    speaks=["fr"],
                    must_change_password=False,
                    created_at=self.now,
                )
                session.add(user)
                await session.flush()
            token = await user_sessions.open_session(session, user.id, self.now, is_complete=True)
            found = await user_sessions.signed_in(session, token, self.now)
            assert found is not None
            csrf = found.csrf
        transport = httpx.ASGITransport(app=self.app)
        browser = httpx.AsyncClient(transport=transport, base_url="http://desk.test", cookies={COOKIE: token})
        return Agent(browser, csrf, f"user:{user.id}")

    async def conversation(self, address: str, channel: str = "whatsapp", **more: Any) -> int:
        """A conversation that somebody began; its id."""
        async with self.database.writing() as session:
            conversation = Conversation(channel=channel, address=address, created_at=self.now, **more)
            session.add(conversation)
        return conversation.id

    async def add(self, *rows: Any) -> None:
        async with self.database.writing() as session:
            session.add_all(rows)

    async def contract_id(self, number: str) -> int:
        async with self.database.reading() as session:
            return (await session.scalars(select(Contract.id).where(Contract.number == number))).one()

    async def looks(self, subject: str) -> list[Audit]:
        """Who looked at a subject, in order."""
        async with self.database.reading() as session:
            query = select(Audit).where(Audit.subject == subject, Audit.action == "customer.viewed")
            return list(await session.scalars(query.order_by(Audit.id)))


@dataclass
class Agent:
    browser: httpx.AsyncClient
    csrf: str
    actor: str

    async def gets(self, path: str, **headers: str) -> httpx.Response:
        return await self.browser.get(f"/desk{path}", headers=headers)

    async def posts(self, path: str, **form: str) -> httpx.Response:
        return await self.browser.post(
            f"/desk{path}", data={"csrf": self.csrf, **form}, headers={"origin": "http://desk.test"}
        )
