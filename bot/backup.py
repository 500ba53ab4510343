"""Backups of the database while it is served, and their way back.

SQLite is copied by its own backup: one moment, in WAL mode without keeping any writer waiting. For PostgreSQL its
`pg_dump` and `pg_restore` are called, which come with the server.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL

from bot.faults import Fault

SQLITE_MAGIC = b"SQLite format 3\x00"
PG_DUMP_MAGIC = b"PGDMP"
PARTIAL = ".partial"


def back_up(url: URL, file: Path) -> None:
    """Write what is in the database at `url` to `file`, whole or not at all. Raises `Fault`."""
    if file.exists():
        raise Fault(f"{file} exists: a backup is never written over another")
    if not file.parent.is_dir():
        raise Fault(f"{file.parent} is no folder")
    partial = file.with_name(file.name + PARTIAL)
    partial.unlink(missing_ok=True)
    # Everything about every customer: for its owner only, from its first byte.
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        if url.get_backend_name() == "sqlite":
            _copy_sqlite(Path(str(url.database)), partial)
            check(partial)
        else:
            _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={partial}")
            check(partial)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)


def check(file: Path) -> None:
    """Raise `Fault` unless `file` is a backup that can be read to its end."""
    try:
        with file.open("rb") as opened:
            start = opened.read(len(SQLITE_MAGIC))
    except OSError as error:
        raise Fault(f"cannot read {file}: {error.strerror}") from error
    if start == SQLITE_MAGIC:
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as connection:
                (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            found = str(error)
        if found != "ok":
            raise Fault(f"{file} is damaged: {found}")
    elif start.startswith(PG_DUMP_MAGIC):
        _tool("pg_restore", ["--list", str(file)])
    else:
        raise Fault(f"{file} is no backup of Relève's")


def revision_of(file: Path) -> str | None:
    """The schema's revision in a backup of SQLite's; None for one of PostgreSQL's, which tells once it is back."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.DatabaseError:
            return None
    return None if row is None else str(row[0])


def bring_back(url: URL, file: Path, *, overwrite: bool) -> None:
    """Put the backup `file` in the place of the database at `url`, which nobody may be using.

    Raises `Fault` when it is of the other engine, damaged, or something is there and `overwrite` is False.
    """
    check(file)
    is_sqlite = url.get_backend_name() == "sqlite"
    with file.open("rb") as opened:
        if (opened.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC) != is_sqlite:
            raise Fault(f"{file} is a backup of the other kind of database than {url.get_backend_name()}")
    if is_sqlite:
        _replace_sqlite(Path(str(url.database)), file, overwrite=overwrite)
        return
    if not overwrite and _has_tables(url):
        raise Fault("the database is not empty: --overwrite replaces all that is in it")
    clean = ("--clean", "--if-exists") if overwrite else ()
    options = ("--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", *clean)
    _run("pg_restore", url, *options, str(file))


def _copy_sqlite(database: Path, copy: Path) -> None:
    if not database.is_file():
        raise Fault(f"there is no database {database}")
    try:
        with (
            closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            # One file, whatever was in the write-ahead log.
            target.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise Fault(f"cannot back {database} up: {error}") from error


def _replace_sqlite(database: Path, file: Path, *, overwrite: bool) -> None:
    if database.exists():
        if not overwrite:
            raise Fault(f"{database} exists: --overwrite replaces it")
        _assert_unused(database)
    partial = database.with_name(database.name + PARTIAL)
    shutil.copyfile(file, partial)
    partial.chmod(0o600)
    partial.replace(database)
    for rest in ("-wal", "-shm"):  # of the database that was here
        database.with_name(database.name + rest).unlink(missing_ok=True)


def _assert_unused(database: Path) -> None:
    """Raise `Fault` while a process has the database open: it would go on writing to the old one, unseen."""
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as connection:
        try:
            # Fails while any other connection is open, even an idle one.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.OperationalError as error:
            raise Fault(f"{database} is in use: stop `releve serve` and every worker first") from error
        except sqlite3.DatabaseError:
            return  # damaged: that is what the backup is for
        if mode != "delete":
            raise Fault(f"{database} is in use: stop `releve serve` and every worker first")


def _has_tables(url: URL) -> bool:
    query = (
        "SELECT count(*) FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog','information_schema')"
    )
    return _run("psql", url, "--tuples-only", "--no-align", f"--command={query}").strip() != "0"


def _run(program: str, url: URL, *arguments: str) -> str:
    """Run a program of PostgreSQL's on the database; the password goes by its environment."""
    plain = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    secret = {"PGPASSWORD": str(url.password)} if url.password is not None else {}
    return _tool(program, [f"--dbname={plain}", *arguments], secret)


def _tool(program: str, arguments: Sequence[str], secret: Mapping[str, str] | None = None) -> str:
    found = shutil.which(program)
    if found is None:
        raise Fault(f"{program} is not installed: it comes with PostgreSQL's client programs")
    done = subprocess.run(
        [found, *arguments], env=os.environ | (secret or {}), capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise Fault(f"{program} failed: {said[0] if said else f'exit code {done.returncode}'}")
    return done.stdout
