"""`releve db backup`, `releve db restore`: the database to a file and back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import make_url

from billing.calendar import CASABLANCA
from bot.backup import back_up, bring_back, revision_of
from bot.channels.carrier import Channel
from bot.clock import system_clock
from bot.commands.connection import with_database
from bot.faults import Fault, load_settings
from store.database import Database
from store.restored import Settled, settle

CANNOT_ASK = (Channel.TELEGRAM.value,)
"""Channels whose carriers do not say what they have sent."""


def backup(file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")]) -> None:
    """Write the whole database to a file, while it is served, and check that the file can be read."""
    back_up(make_url(load_settings().database_url), file)
    typer.echo(f"{file}: {file.stat().st_size / 1e6:.1f} MB, checked. It holds personal data: encrypt it.")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `releve db backup` wrote.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is in the database now.")] = False,
) -> None:
    """Bring a backup back, with every process stopped, so that nothing is sent or answered a second time."""
    url = load_settings().database_url
    taken_at = datetime.fromtimestamp(file.stat().st_mtime, UTC) if file.exists() else system_clock()
    _assert_known(revision_of(file) if file.exists() else None)
    bring_back(make_url(url), file, overwrite=overwrite)
    after_restore(taken_at)


def _assert_known(revision: str | None) -> None:
    """Raise `Fault` for a backup of a newer release, before it takes anything's place."""
    from store import schema

    if revision is not None and not schema.is_known(revision):
        raise Fault(f"the backup is at revision {revision}, of a newer Relève: restore it with that version")


def settle_restored(
    taken_at: Annotated[datetime, typer.Argument(help="When it was taken, by the clock of Casablanca.")],
) -> None:
    """What `restore` does last, for a database that was brought back by other means (a snapshot, PITR)."""
    after_restore(taken_at.replace(tzinfo=CASABLANCA))


def after_restore(taken_at: datetime) -> None:
    """Settle what waits in a database that was brought back, and say what was found."""
    settled = with_database(load_settings(), lambda database: settled_in(database, taken_at, system_clock()))
    typer.echo(
        f"Restored. In doubt, the carrier is asked first: {settled.asked} messages, {settled.notices} notices. "
        f"Given up: {settled.given_up} (Telegram cannot be asked). Paused: {settled.campaigns} campaigns. "
        f"Signed out: {settled.sign_ins}."
    )


async def settled_in(database: Database, taken_at: datetime, now: datetime) -> Settled:
    """Bring the schema up to date, if the backup is older, and settle what waited. Raises `Fault`."""
    from store import schema

    try:
        await schema.upgrade(database)
    except schema.UnknownRevision as error:
        raise Fault(f"{error}: restore with the version that made the backup, or a later one") from error
    async with database.writing() as session:
        return await settle(session, CANNOT_ASK, taken_at, now)
