"""Everything that one process of Relève is made of, put together from the settings."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from actions.operator import Operator, load_operator
from bot.announcer import Announcer
from bot.bridges.chatwoot.bridge import ChatwootBridge
from bot.catching_up import CatchingUp
from bot.channels.carrier import Carrier, Channel, Intake
from bot.channels.configured import carriers
from bot.clock import system_clock
from bot.deadlines import Deadlines
from bot.desk.context import Desk
from bot.desk.live import Live
from bot.engine.assistant import Assistant
from bot.imports.routine import Imports
from bot.inbox import Inbox
from bot.parting import Parting
from bot.photos.arrivals import Photos
from bot.photos.looker import Looker, is_installed
from bot.purging import Purging
from bot.readiness import Readiness, disk_under
from bot.received_files import ReceivedFiles
from bot.routine import Routine, Routines
from bot.sending.attachments import UPLOADED, Attachments, Source
from bot.sending.files import FileLinks
from bot.sending.outbox import Outbox
from bot.sending.personal_data import PersonalData
from bot.sending.uploads import Uploads
from bot.settings import PROJECT, Settings
from bot.telemetry import tracing
from bot.telemetry.description import describe, release
from bot.telemetry.figures import StoreFigures
from bot.telemetry.heartbeat import Heartbeat
from bot.telemetry.metrics import TRANSACTION_SECONDS
from bot.telemetry.transactions import count_what_is_stored
from bot.turns.lateness import Delays, Lateness
from bot.turns.pace import Pace
from bot.turns.turn import Turns
from bot.webhooks import Webhooks
from bot.worker import Worker
from store import schema
from store.database import Database

log = structlog.get_logger()

OPERATORS = PROJECT / "operators"
LOCALES = PROJECT / "locales"
DATABASE_SECONDS = 60.0
"""How long a statement of a serving process may take; longer looks have connections of their own (`store.apart`)."""


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
    photos: Photos | None
    inbox: Inbox
    worker: Worker
    routines: Routines
    desk: Desk
    heartbeat: Heartbeat
    figures: StoreFigures
    is_stopping: bool = False
    """A signal to stop was heard: nothing new should be sent here."""
    was_cut_short: bool = False
    """Something in hand was given up when the time to stop was over."""
    readiness: Readiness = field(init=False)
    _works: bool = False

    def __post_init__(self) -> None:
        self.readiness = Readiness(
            {
                "database": self._lacks_database,
                "disk": disk_under(self.database),
                "worker": self._lacks_worker,
                "going on": self._is_going,
            }
        )

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
        database = Database(settings.database_url, patience=DATABASE_SECONDS)
        configured = [*carriers(settings), *(extra_carriers or ())]
        channels = frozenset(channel for carrier in configured for channel in carrier.channels)
        by_channel = {channel: carrier for carrier in configured for channel in carrier.channels}
        photos = photos_of(settings, database, by_channel)
        lateness = Lateness(assistant.texts, timedelta(seconds=settings.sorry_after_seconds))
        turns = Turns(
            database,
            assistant,
            operator,
            longest_turn=timedelta(seconds=settings.turn_seconds),
            lateness=lateness,
            pace=Pace.of(settings),
            photos=photos,
        )
        sources: dict[str, Source] = {
            "personal_data": PersonalData(database),
            UPLOADED: Uploads(database, settings.keyring),
        }
        attachments, links = Attachments(sources), FileLinks(settings)
        outbox = Outbox(database, configured, attachments, links, bulk_share=settings.bulk_share, lateness=lateness)
        worker = Worker(database, turns, outbox, photos=photos)
        inbox = Inbox(database, worker.wake)
        desk = Desk(
            settings=settings,
            database=database,
            operator=operator,
            texts=assistant.texts,
            carriers=by_channel,
            attachments=attachments,
            links=links,
            live=Live(database),
            send=worker.send,
            clock=system_clock,
        )
        very_late = timedelta(seconds=settings.delay_notice_seconds)
        working: tuple[Routine, ...] = (
            Deadlines(database, operator),
            Purging(database, operator),
            Webhooks(database, settings.keyring, settings.own_webhook_hosts),
            Announcer(database, assistant.texts, operator, channels, worker.send),
            Delays(database, assistant.texts, channels, worker.send, very_late),
            *bridges(desk),
        )
        catching_up = CatchingUp(database, configured, inbox.accept)
        routines = Routines((Imports(database, settings.spool_dir),), working, (catching_up,))
        return cls(
            settings,
            database,
            operator,
            configured,
            assistant,
            attachments,
            links,
            photos,
            inbox,
            worker,
            routines,
            desk,
            Heartbeat(),
            StoreFigures(database),
        )

    @property
    def intake(self) -> Intake:
        return Intake(self.inbox.accept, self.inbox.advance)

    async def start(self, *, work: bool = True, receive: bool = True) -> None:
        """Check the database, then start carriers and worker. Raises `NotReady`."""
        await require_current_schema(self.database)
        describe(self.database.url.get_backend_name(), self.assistant.model_name, self.settings.operator)
        count_what_is_stored()
        self.database.on_commit(TRANSACTION_SECONDS.observe)
        self._trace()
        self.heartbeat.start()
        gc.collect()
        gc.freeze()  # the model stays for as long as the process: no need to look through it again and again
        self._works = work
        self.inbox.hands_on = not work
        if work:
            await self.worker.start()
        if receive:
            await self.desk.live.start()
        intake = self.intake if receive else None
        await asyncio.gather(*(carrier.start(intake) for carrier in self.carriers))
        self.routines.start(work=work, receive=receive)

    def announce_stop(self) -> None:
        """Say that nothing new should be sent here, and go on working."""
        self.is_stopping = True
        self.readiness.forget()

    def end_streams(self) -> None:
        """Have open pages go elsewhere."""
        self.desk.live.end_streams()

    async def stop(self) -> None:
        """Finish what is in hand, within `finish_seconds`. What is not begun waits in the store."""
        await self.desk.live.stop()
        await self.routines.stop()
        if not await self.worker.stop(self.settings.finish_seconds):
            self.was_cut_short = True
            log.error("process.cut_short", seconds=self.settings.finish_seconds)
        if self.photos is not None:
            await self.photos.stop()
        await self.attachments.close()
        await asyncio.gather(*(carrier.stop() for carrier in self.carriers))
        await self.figures.close()
        await self.heartbeat.stop()
        await self.database.close()
        await asyncio.to_thread(tracing.use, None)  # sends what is left, or gives up

    def _trace(self) -> None:
        """Send traces where the settings say; nothing is imported for it where they do not. Raises `NotReady`."""
        endpoint = self.settings.otlp_endpoint
        if endpoint is None:
            return
        try:
            from bot.telemetry.otlp import OtlpTracer
        except ImportError as error:
            raise NotReady("RELEVE_OTLP_ENDPOINT needs OpenTelemetry: `uv sync --extra tracing`") from error
        tracer = OtlpTracer(endpoint, version=release(), share=self.settings.otlp_share)
        tracer.trace_statements(self.database.engine)
        tracing.use(tracer)

    async def lacks(self) -> list[str]:
        """What keeps this process from serving, in words; empty when it is ready."""
        lack = await self._lacks_database()
        return [] if lack is None else [lack]

    async def _lacks_database(self) -> str | None:
        try:
            await require_current_schema(self.database)
        except NotReady as error:
            return str(error)
        return None

    async def _lacks_worker(self) -> str | None:
        return (
            "the worker does not look for messages any more" if self._works and not self.worker.is_looking else None
        )

    async def _is_going(self) -> str | None:
        return "this process is about to stop" if self.is_stopping else None


def bridges(desk: Desk) -> Iterator[ChatwootBridge]:
    """To the helpdesks that are configured."""
    if not desk.settings.chatwoot_configured:
        return
    files = ReceivedFiles(desk.database, desk.carriers, desk.settings.keyring)
    parting = Parting(desk.texts, desk.operator)
    yield ChatwootBridge(desk.settings, desk.database, parting, files, desk.carriers.keys(), desk.send)


def photos_of(settings: Settings, database: Database, carriers: Mapping[Channel, Carrier]) -> Photos | None:
    """What looks at customers' pictures of meters; None without the extra `photos`, or when it is turned off."""
    if settings.photo_processes == 0 or not is_installed():
        return None
    eyes = Looker(settings.photo_processes, seconds=settings.photo_seconds)
    return Photos(database, carriers, eyes, settings.keyring, seconds=settings.photo_seconds)


async def require_current_schema(database: Database) -> None:
    """Raise `NotReady` unless the database answers and its schema is one that this code can work on."""
    try:
        if await schema.is_usable(database):
            return
        revision = await schema.current_revision(database)
    except Exception as error:
        raise NotReady(database.cannot_be_used(error)) from error
    if revision is None or schema.is_known(revision):
        raise NotReady("the database schema is not current: run `releve db upgrade`")
    raise NotReady(f"the database is at revision {revision}, of a newer Relève: install that version")
