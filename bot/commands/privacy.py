"""`releve privacy`: what is kept about someone, given out or erased."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

import typer
from sqlalchemy import select

from billing.reference import parse_reference
from bot.channels.carrier import Channel
from bot.clock import system_clock
from bot.commands.connection import with_database
from bot.faults import Fault, load_settings
from bot.sending.personal_data import readable
from store import personal_data
from store.database import Database
from store.models import Conversation, RequestKind, RequestState
from store.requests import OPEN, change, request_by_reference

app = typer.Typer(help="Personal data: `releve privacy export`, `releve privacy erase`.", no_args_is_help=True)

_NAME = re.compile(r"[\w.@-]{1,59}")


@app.command(epilog="Example: [bold]releve privacy export +212600000001 --channel whatsapp[/]")
def export(
    address: Annotated[str, typer.Argument(help="The phone number, or the chat on Telegram.")],
    channel: Annotated[Channel, typer.Option(help="The channel of the conversation.")] = Channel.SMS,
) -> None:
    """All that is kept about whoever writes from an address, as JSON."""

    async def found(database: Database) -> str:
        async with database.reading() as session:
            query = select(Conversation.id).where(
                Conversation.channel == channel.value, Conversation.address == address
            )
            conversation_id = await session.scalar(query)
            if conversation_id is None:
                raise Fault(f"nobody wrote from {address} by {channel.value}")
            return readable(await personal_data.export(session, conversation_id, system_clock()))

    typer.echo(with_database(load_settings(), found), nl=False)


@app.command(epilog="Example: [bold]releve privacy erase N-4821370568 --by amina[/]")
def erase(
    reference: Annotated[str, typer.Argument(help="The reference of the request to erase, as N-4821370568.")],
    by: Annotated[str, typer.Option(help="Who decides: a short name, for the audit.")],
) -> None:
    """Grant a request to erase and erase for good what was said in its conversation."""
    if not _NAME.fullmatch(by):
        raise Fault("--by is a short name without spaces, as amina")
    now = system_clock()
    typer.echo(with_database(load_settings(), lambda database: erased(database, reference, f"user:{by}", now)))


async def erased(database: Database, reference: str, actor: str, now: datetime) -> str:
    """Grant and erase in one transaction. What was granted before is erased again, with what was said since.

    Raises `Fault`.
    """
    async with database.writing() as session:
        request = await request_by_reference(session, parse_reference(reference) or reference, hold=True)
        if request is None or request.kind is not RequestKind.ERASURE or request.conversation_id is None:
            raise Fault(f"there is no request to erase {reference}")
        if request.state in OPEN:
            await change(session, request, RequestState.GRANTED, actor=actor, now=now)
        elif request.state is not RequestState.GRANTED:
            raise Fault(f"{request.reference} is {request.state}: nothing is erased")
        await personal_data.erase(session, request.conversation_id, actor, now)
    return f"{request.reference}: erased."
