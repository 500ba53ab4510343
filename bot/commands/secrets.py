"""`releve secrets`: which keys what is sealed needs, and sealing it again after the key was changed."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.commands.connection import with_database
from bot.faults import Fault, load_settings
from store.database import Database
from store.sealed_columns import UNSEALED, keys_in_use, rotate
from store.sealing import Keyring

app = typer.Typer(help="What is sealed with RELEVE_SECRET_KEY: `releve secrets status`.", no_args_is_help=True)


@app.command("status", epilog="Example: [bold]releve secrets status[/]")
def show_status() -> None:
    """How much is sealed with which key; exit code 2 when a key is missing."""
    settings = load_settings()
    keyring = settings.keyring

    async def counted(database: Database) -> list[str]:
        async with database.reading() as session:
            in_use = await keys_in_use(session)
        missing = {key for keys in in_use.values() for key in keys} - {UNSEALED, *keyring.key_ids}
        typer.echo("\t".join(("what", "key", "rows", "")))
        for name, keys in in_use.items():
            for key, count in sorted(keys.items()):
                typer.echo(f"{name}\t{key or '-'}\t{count}\t{_standing(keyring, key)}")
        return sorted(missing)

    missing = with_database(settings, counted)
    if missing:
        raise Fault(f"nothing here opens what key {', '.join(missing)} sealed: add it to RELEVE_SECRET_KEYS_OLD")


@app.command("rotate", epilog="Example: [bold]releve secrets rotate[/] with the key before in RELEVE_SECRET_KEYS_OLD")
def rotate_keys(
    quiet: Annotated[bool, typer.Option("--quiet", help="Only say what could not be sealed again.")] = False,
) -> None:
    """Seal everything with RELEVE_SECRET_KEY; the service may go on meanwhile, and so may this after a stop."""
    settings = load_settings()
    keyring = settings.keyring
    if keyring.current_id is None:
        raise Fault("set RELEVE_SECRET_KEY to the new key, and RELEVE_SECRET_KEYS_OLD to the one before")

    async def sealed_again(database: Database) -> int:
        done = {}
        async for each in rotate(database, keyring):
            done[each.name] = each
        for each in done.values():
            if not quiet:
                typer.echo(f"{each.name}: {each.resealed} sealed again")
        if not quiet and not done:
            typer.echo(f"All is sealed with key {keyring.current_id} already.")
        return sum(each.unreadable for each in done.values())

    unreadable = with_database(settings, sealed_again)
    if unreadable:
        raise Fault(f"{unreadable} rows need a key that is not here: see `releve secrets status`")


def _standing(keyring: Keyring, key: str) -> str:
    if key == UNSEALED:
        return "not sealed"
    if key == keyring.current_id:
        return "current"
    return "old" if key in keyring.key_ids else "missing"
