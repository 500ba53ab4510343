"""`releve user`: accounts from the terminal, and one line for whatever is wrong."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest
import typer

from bot.commands.user import app as user_command
from bot.faults import EXIT_CODE, reported
from store import passwords, users
from store.database import Database
from store.desk_models import Role, Team, User
from store.schema import upgrade

app = typer.Typer(pretty_exceptions_enable=False)
app.add_typer(user_command, name="user")

GOOD = "quatre mots bien tiennent"
AMINA = ("add", "Amina@Example.ma", "--name", "Amina El Fanouss", "--role", "administrator", "--password-stdin")


@pytest.fixture
def database_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The settings point to a database with one team."""
    url = f"sqlite+aiosqlite:///{tmp_path}/users.db"
    monkeypatch.setenv("RELEVE_DATABASE_URL", url)

    async def prepared() -> None:
        database = Database(url)
        await upgrade(database)
        async with database.writing() as session:
            session.add(Team(name="Français", languages=["fr"]))
        await database.close()

    asyncio.run(prepared())
    return url


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, typed: str = GOOD) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
    with pytest.raises(SystemExit) as stopped, reported():
        app(["user", *arguments])
    return int(stopped.value.code or 0)


def stored(url: str, email: str = "amina@example.ma") -> User:
    async def find() -> User | None:
        database = Database(url)
        async with database.reading() as session:
            found = await users.by_email(session, email)
        await database.close()
        return found

    user = asyncio.run(find())
    assert user
    return user


def test_the_first_administrator_is_made_at_the_terminal(
    database_file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *AMINA) == 0
    user = stored(database_file)
    assert (user.name, user.role, user.must_change_password) == ("Amina El Fanouss", Role.ADMINISTRATOR, True)
    assert asyncio.run(passwords.matches(GOOD, user.password_hash))
    assert GOOD not in capsys.readouterr().out


def test_an_agent_with_teams_and_languages(database_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ("--role", "agent", "--team", "Français", "--speaks", "ary", "--speaks", "fr", "--password-stdin")
    assert run(monkeypatch, "add", "y@example.ma", "--name", "Youssef", *options) == 0
    user = stored(database_file, "y@example.ma")
    assert ([team.name for team in user.teams], user.speaks) == (["Français"], ["ary", "fr"])


@pytest.mark.parametrize(
    ("arguments", "typed", "line"),
    [
        (AMINA, "court", "a password has at least 12 characters"),
        (AMINA, "amina aime les fleurs", "must not contain the name"),
        (("add", "amina", *AMINA[2:]), GOOD, "'amina' is not an e-mail address"),
        ((*AMINA, "--team", "Nuit"), GOOD, "there is no team named 'Nuit'; there are: Français"),
        ((*AMINA, "--speaks", "de"), GOOD, "--speaks is one of"),
        ((*AMINA, "--language", "de"), GOOD, "--language is fr or ar"),
        (("add", "a@b.ma", "--name", " ", "--role", "agent"), GOOD, "a name has 1 to 120 characters"),
        (AMINA[:-1], GOOD, "use --password-stdin"),
        (("disable", "nobody@example.ma"), "", "there is no account for 'nobody@example.ma'"),
        (("password", "nobody@example.ma", "--password-stdin"), GOOD, "there is no account"),
    ],
)
@pytest.mark.usefixtures("database_file")
def test_what_is_wrong_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    typed: str,
    line: str,
) -> None:
    assert run(monkeypatch, *arguments, typed=typed) == EXIT_CODE
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert line in told[0]


@pytest.mark.usefixtures("database_file")
def test_a_taken_address_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(monkeypatch, *AMINA)
    assert run(monkeypatch, *AMINA) == EXIT_CODE
    assert capsys.readouterr().err.strip() == "releve: there is an account for amina@example.ma already"


def test_accounts_are_closed_opened_and_given_passwords(
    database_file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, *AMINA)
    run(monkeypatch, "add", "b@example.ma", *AMINA[2:])
    assert run(monkeypatch, "disable", "b@example.ma") == 0
    assert run(monkeypatch, "disable", "amina@example.ma") == EXIT_CODE, "the last administrator stays"
    assert run(monkeypatch, "enable", "b@example.ma") == 0
    assert run(monkeypatch, "reset-second-factor", "b@example.ma") == 0
    assert run(monkeypatch, "password", "b@example.ma", "--password-stdin", typed="une phrase bien longue") == 0
    capsys.readouterr()
    assert run(monkeypatch, "list") == 0
    assert capsys.readouterr().out.splitlines()[0].split("\t")[:3] == [
        "amina@example.ma",
        "Amina El Fanouss",
        "administrator",
    ]
    assert asyncio.run(
        passwords.matches("une phrase bien longue", stored(database_file, "b@example.ma").password_hash)
    )
