"""`releve user`: the accounts of the desk, from the terminal. The first administrator is made here."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from bot.clock import system_clock
from bot.commands.connection import with_database
from bot.faults import Fault, load_settings
from store import passwords, teams, user_sessions, users
from store.database import Database
from store.desk_models import Role, User
from store.users import LONGEST_NAME

Result = TypeVar("Result")
Change = Callable[[AsyncSession, User, datetime], Awaitable[None]]

app = typer.Typer(help="Accounts of the desk: `releve user add`.", no_args_is_help=True)
ACTOR = "command"
SPOKEN = ("fr", "ar", "ary", "ary-Latn", "en")

Email = Annotated[str, typer.Argument(help="The person's e-mail address, with which they sign in.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking for it.")
]


@app.command(
    epilog="Example: [bold]releve user add amina@example.ma --name 'Amina El Fanouss' --role administrator[/]"
)
def add(
    email: Email,
    name: Annotated[str, typer.Option(help="As colleagues see it.")],
    role: Annotated[
        Role,
        typer.Option(
            help="agent: answers, decides; supervisor: also figures, search, audit; administrator: accounts."
        ),
    ],
    team: Annotated[list[str] | None, typer.Option(help="A team that the person is in; repeat for several.")] = None,
    speaks: Annotated[
        list[str] | None, typer.Option(help="A customers' language that they answer in: fr, ar, ary, ary-Latn, en.")
    ] = None,
    language: Annotated[str, typer.Option(help="The interface's: fr or ar.")] = "fr",
    password_stdin: FromStdin = False,
) -> None:
    """Open an account. Its password is asked for, and must be changed at the first sign-in."""
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        raise Fault(f"a name has 1 to {LONGEST_NAME} characters")
    if language not in ("fr", "ar"):
        raise Fault(f"--language is fr or ar, not {language!r}")
    spoken = speaks or []
    for each in spoken:
        if each not in SPOKEN:
            raise Fault(f"--speaks is one of {', '.join(SPOKEN)}, not {each!r}")
    address = _reported(lambda: users.normal_email(email))
    password = _new_password(users.own_words(address, name), from_stdin=password_stdin)

    async def opened(database: Database) -> None:
        password_hash = await passwords.hashed(password)
        async with database.writing() as session:
            wanted = await teams.by_names(session, team or [])
            await users.create(
                session,
                email=address,
                name=name,
                role=role,
                password_hash=password_hash,
                language=language,
                speaks=spoken,
                team_ids=[each.id for each in wanted],
                actor=ACTOR,
                now=system_clock(),
            )

    _reported(lambda: with_database(load_settings(), opened))
    typer.echo(f"{address} may sign in at /desk as {role}, and chooses another password then.")


@app.command("list", epilog="Example: [bold]releve user list[/]")
def list_users() -> None:
    """Every account: address, name, role, teams, how they sign in, and what keeps them out."""
    now = system_clock()

    async def every(database: Database) -> list[str]:
        async with database.reading() as session:
            return [_line(user, now) for user in await users.every_user(session)]

    for line in with_database(load_settings(), every):
        typer.echo(line)


@app.command(epilog="Example: [bold]releve user disable amina@example.ma[/]")
def disable(email: Email) -> None:
    """Close an account and sign the person out at once; what they did stays."""
    _change(email, lambda session, user, now: users.disable(session, user, ACTOR, now))
    typer.echo(f"{email} can no longer sign in.")


@app.command(epilog="Example: [bold]releve user enable amina@example.ma[/]")
def enable(email: Email) -> None:
    """Open a closed account again, or end a lock-out."""
    _change(email, lambda session, user, now: users.enable(session, user, ACTOR, now))
    typer.echo(f"{email} may sign in.")


@app.command(epilog="Example: [bold]releve user password amina@example.ma[/]")
def password(email: Email, password_stdin: FromStdin = False) -> None:
    """Give a person another password, which they must change; they are signed out everywhere."""
    user = _found(email)
    new = _new_password(users.own_words(user.email, user.name), from_stdin=password_stdin)
    new_hash = asyncio.run(passwords.hashed(new))
    _change(
        email,
        lambda session, user, now: users.set_password(
            session, user, new_hash, must_change=True, actor=ACTOR, now=now
        ),
    )
    typer.echo(f"{email} has a new password, to be changed at the next sign-in.")


@app.command("reset-second-factor", epilog="Example: [bold]releve user reset-second-factor amina@example.ma[/]")
def reset_second_factor(email: Email) -> None:
    """Take a lost second factor away; the person is signed out everywhere and may enrol another."""

    async def reset(session: AsyncSession, user: User, now: datetime) -> None:
        await users.set_second_factor(session, user, None, actor=ACTOR, now=now)
        await user_sessions.end_all(session, user.id)

    _change(email, reset)
    typer.echo(f"{email} signs in with the password alone, and may enrol another second factor.")


def _found(email: str) -> User:
    async def find(database: Database) -> User | None:
        async with database.reading() as session:
            return await users.by_email(session, email)

    user = with_database(load_settings(), find)
    if user is None:
        raise Fault(f"there is no account for '{email}'")
    return user


def _change(email: str, change: Change) -> None:
    async def changed(database: Database) -> bool:
        async with database.writing() as session:
            user = await users.by_email(session, email, hold=True)
            if user is not None:
                await change(session, user, system_clock())
            return user is not None

    if not _reported(lambda: with_database(load_settings(), changed)):
        raise Fault(f"there is no account for '{email}'")


def _new_password(own_words: list[str], *, from_stdin: bool) -> str:
    """A password from standard input, or asked for twice without showing it. Raises `Fault`."""
    if from_stdin:
        new = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        new = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        raise Fault("there is no terminal to ask for the password on: use --password-stdin")
    _reported(lambda: passwords.check(new, own_words))
    return new


def _reported(work: Callable[[], Result]) -> Result:
    """What `work` gives; a ValueError of the store is one line for the operator."""
    try:
        return work()
    except ValueError as error:
        raise Fault(str(error)) from error


def _line(user: User, now: datetime) -> str:
    ways = [
        "password" if user.password_hash else "",
        "second factor" if user.totp_secret else "",
        "OpenID Connect" if user.oidc_subject else "",
    ]
    states = [
        f"disabled {user.disabled_at:%Y-%m-%d}" if user.disabled_at else "",
        f"locked until {user.locked_until:%Y-%m-%d %H:%M} UTC"
        if user.locked_until and user.locked_until > now
        else "",
    ]
    columns = [
        user.email,
        user.name,
        user.role,
        ", ".join(team.name for team in user.teams) or "-",
        ", ".join(filter(None, ways)) or "-",
        ", ".join(filter(None, states)),
    ]
    return "\t".join(columns).rstrip("\t")
