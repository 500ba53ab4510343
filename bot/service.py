"""Everything that one process of Relève is made of, put together from the settings."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass

from actions.operator import Operator, load_operator
from bot.announcer import Announcer
from bot.attachments import UPLOADED, Attachments, Source
from bot.channels.carrier import Carrier, Intake
from bot.channels.configured import carriers
from bot.clock import system_clock
from bot.deadlines import Deadlines
from bot.desk.context import Desk
from bot.desk.live import Live
from bot.engine.assistant import Assistant
from bot.files import FileLinks
from bot.inbox import Inbox
from bot.outbox import Outbox
from bot.personal_data import PersonalData
from bot.settings import PROJECT, Settings
from bot.turn import Turns
from bot.uploads import Uploads
from bot.worker import Worker
from store import schema
from store.database import Database

OPERATORS = PROJECT / "operators"
LOCALES = PROJECT / "locales"


class NotReady(RuntimeError):
    """Something that the service needs is missing; the message is one line saying what to do."""


@dataclass(slots=True)
class Service:
    """One process: its database, its assistant, its carriers, what makes pictures, its worker, what the
    calendar does, what writes first, and the agents' desk."""

    settings: Settings
    database: Database
    operator: Operator
    carriers: list[Carrier]
    assistant: Assistant
    attachments: Attachments
    links: FileLinks
    inbox: Inbox
    worker: Worker
    deadlines: Deadlines
    announcer: Announcer
    desk: Desk

    @classmethod
    def build(
        cls,
        settings: Settings,
        extra_carriers: list[Carrier] | None = None,
        assistant: Assistant | None = None,
        operator: Operator | None = None,
    ) -> Service:
        """Load the model and the operator, unless given, and put the parts together; opens no connection yet.

        Raises `NoModel` and `BadOperator`.
        """
        operator = operator or load_operator(OPERATORS, settings.operator)
        operator = operator.model_copy(update={"payment_secret": settings.payment_link_secret})
        assistant = assistant or Assistant.load(settings.model_dir, LOCALES)
        database = Database(settings.database_url)
        configured = [*carriers(settings), *(extra_carriers or ())]
        turns = Turns(database, assistant, operator)
        sources: dict[str, Source] = {"personal_data": PersonalData(database), UPLOADED: Uploads(database)}
        attachments, links = Attachments(sources), FileLinks(settings)
        worker = Worker(
            database, turns, Outbox(database, configured, attachments, links, bulk_share=settings.bulk_share)
        )
        inbox = Inbox(database, worker.wake)
        deadlines = Deadlines(database, operator)
        channels = frozenset(channel for carrier in configured for channel in carrier.channels)
        announcer = Announcer(database, assistant.texts, operator, channels, worker.send)
        desk = Desk(
            settings=settings,
            database=database,
            operator=operator,
            texts=assistant.texts,
            carriers={channel: carrier for carrier in configured for channel in carrier.channels},
            attachments=attachments,
            links=links,
            live=Live(database),
            send=worker.send,
            clock=system_clock,
        )
        return cls(
            settings,
            database,
            operator,
            configured,
            assistant,
            attachments,
            links,
            inbox,
            worker,
            deadlines,
            announcer,
            desk,
        )

    @property
    def intake(self) -> Intake:
        return Intake(self.inbox.accept, self.inbox.advance)

    async def start(self, *, work: bool = True, receive: bool = True) -> None:
        """Check the database, then start carriers and worker. Raises `NotReady`."""
        await require_current_schema(self.database)
        gc.collect()
        gc.freeze()  # the model stays for as long as the process: no need to look through it again and again
        if work:
            await self.worker.start()
            self.deadlines.start()
            self.announcer.start()
        if receive:
            await self.desk.live.start()
        await asyncio.gather(*(carrier.start(self.intake) for carrier in self.carriers if receive))

    async def stop(self) -> None:
        """Finish what is in hand. What is not begun waits in the store."""
        await self.desk.live.stop()
        await self.announcer.stop()
        await self.deadlines.stop()
        await self.worker.stop()
        await self.attachments.close()
        await asyncio.gather(*(carrier.stop() for carrier in self.carriers))
        await self.database.close()

    async def lacks(self) -> list[str]:
        """What keeps this process from serving, in words; empty when it is ready."""
        try:
            await require_current_schema(self.database)
        except NotReady as error:
            return [str(error)]
        return []


async def require_current_schema(database: Database) -> None:
    """Raise `NotReady` unless the database answers and its schema is the one that this code expects."""
    try:
        current = await schema.is_current(database)
    except Exception as error:
        raise NotReady(database.cannot_be_used(error)) from error
    if not current:
        raise NotReady("the database schema is not current: run `releve db upgrade`")
