"""What is sealed in the database: counted by key, and sealed again with another one while it is in use."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import typer
from sqlalchemy import select
from store_rows import NOW, insert_all

from bot.commands.secrets import app as secrets_command
from bot.faults import EXIT_CODE, reported
from store import uploads, users
from store.database import Database
from store.desk_models import Role, Upload, User
from store.schema import upgrade
from store.sealed_columns import BATCH, SEALED, UNSEALED, keys_in_use, rotate
from store.sealing import Keyring, key_id

OLD, NEW = "o" * 32, "n" * 32
PDF = b"%PDF-1.7 a bill"
app = typer.Typer(pretty_exceptions_enable=False)
app.add_typer(secrets_command, name="secrets")


async def fill(database: Database, keyring: Keyring, files: int = BATCH + 2) -> None:
    """Somebody with a second factor and more files than a batch has."""
    async with database.writing() as session:
        user = User(email="a@desk.test", name="Amina", role=Role.AGENT, created_at=NOW)
        session.add(user)
        await session.flush()
        if keyring.current_id:
            user.totp_secret = keyring.seal_secret(f"{user.id}:SECRET", users.SECOND_FACTOR)
        for number in range(files):
            await uploads.keep(session, keyring, user.id, f"{number}.pdf", "application/pdf", PDF, NOW)


async def rotated(database: Database, keyring: Keyring) -> dict[str, tuple[int, int]]:
    return {each.name: (each.resealed, each.unreadable) async for each in rotate(database, keyring)}


async def in_use(database: Database) -> dict[str, dict[str, int]]:
    async with database.reading() as session:
        return {name: dict(keys) for name, keys in (await keys_in_use(session)).items() if keys}


async def test_all_is_sealed_again_and_still_opens(database: Database) -> None:
    await fill(database, Keyring(OLD))
    assert await in_use(database) == {
        "second factors": {key_id(OLD): 1},
        "agents' files": {key_id(OLD): BATCH + 2},
    }
    keyring = Keyring(NEW, [OLD])
    assert await rotated(database, keyring) == {"second factors": (1, 0), "agents' files": (BATCH + 2, 0)}
    assert await in_use(database) == {
        "second factors": {key_id(NEW): 1},
        "agents' files": {key_id(NEW): BATCH + 2},
    }
    async with database.reading() as session:
        user = (await session.scalars(select(User))).one()
        assert Keyring(NEW).open_secret(user.totp_secret or "", users.SECOND_FACTOR) == f"{user.id}:SECRET"
        for upload in await session.scalars(select(Upload)):
            assert Keyring(NEW).open_file(upload.content, uploads.PURPOSE) == PDF
    assert await rotated(database, keyring) == {}, "nothing is left"


async def test_what_was_stopped_goes_on(database: Database) -> None:
    await fill(database, Keyring(OLD))
    keyring = Keyring(NEW, [OLD])
    async for each in rotate(database, keyring):
        if each.name == "agents' files":
            break
    assert (await in_use(database))["agents' files"] == {key_id(NEW): BATCH, key_id(OLD): 2}
    assert await rotated(database, keyring) == {"agents' files": (2, 0)}


async def test_files_kept_before_there_was_a_key_are_sealed(database: Database) -> None:
    await fill(database, Keyring(), files=2)
    assert await in_use(database) == {"agents' files": {UNSEALED: 2}}
    assert await rotated(database, Keyring(NEW)) == {"agents' files": (2, 0)}
    assert await in_use(database) == {"agents' files": {key_id(NEW): 2}}


async def test_what_an_unknown_key_sealed_is_left_and_counted(database: Database) -> None:
    await fill(database, Keyring(OLD), files=1)
    assert await rotated(database, Keyring(NEW)) == {"second factors": (0, 1), "agents' files": (0, 1)}
    assert await in_use(database) == {"second factors": {key_id(OLD): 1}, "agents' files": {key_id(OLD): 1}}


async def test_every_sealed_column_can_be_asked(database: Database) -> None:
    """Those of the other tables, too, on both engines."""
    async with database.writing() as session:
        await insert_all(session)
    assert len(await in_use(database)) <= len(SEALED)


@pytest.fixture
def database_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/sealed.db"
    monkeypatch.setenv("RELEVE_DATABASE_URL", url)

    async def prepared() -> None:
        database = Database(url)
        await upgrade(database)
        await fill(database, Keyring(OLD), files=3)
        await database.close()

    asyncio.run(prepared())


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped, reported():
        app(["secrets", *arguments])
    return int(stopped.value.code or 0)


@pytest.mark.usefixtures("database_file")
def test_the_command_tells_what_is_missing_and_seals_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("rotate") == EXIT_CODE
    assert "set RELEVE_SECRET_KEY" in capsys.readouterr().err
    monkeypatch.setenv("RELEVE_SECRET_KEY", NEW)
    assert run("status") == EXIT_CODE
    told = capsys.readouterr()
    assert f"agents' files\t{key_id(OLD)}\t3\tmissing" in told.out
    assert key_id(OLD) in told.err
    assert run("rotate") == EXIT_CODE
    assert "4 rows need a key that is not here" in capsys.readouterr().err
    monkeypatch.setenv("RELEVE_SECRET_KEYS_OLD", OLD)
    assert run("status") == 0
    assert f"agents' files\t{key_id(OLD)}\t3\told" in capsys.readouterr().out
    assert run("rotate") == 0
    assert "agents' files: 3 sealed again" in capsys.readouterr().out
    assert run("status") == 0
    assert f"agents' files\t{key_id(NEW)}\t3\tcurrent" in capsys.readouterr().out
    assert run("rotate") == 0
    assert "already" in capsys.readouterr().out
