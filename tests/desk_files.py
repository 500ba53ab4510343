"""A desk whose customers are the demo's, without a model: an agent's browser for the pages of customers' files."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from desk_room import Person, Room
from sqlalchemy import select
from store_rows import DEMO_DAY

from billing.calendar import CASABLANCA
from store.database import Database
from store.desk_models import Role
from store.models import Audit, Contract, Conversation

NOW = datetime.combine(DEMO_DAY, time(10, 30), CASABLANCA)


class FileRoom(Room):
    """On the demo's day."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, NOW)
        self._known: dict[str, int] = {}

    async def agent(self, name: str = "Amina", *, role: Role = Role.AGENT, language: str = "fr") -> Person:
        """Somebody who signs in now: again, or for the first time."""
        if name in self._known:
            return await self.signed_in(self._known[name])
        person = await self.person(name, role=role, language=language)
        self._known[name] = person.id
        return person

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
