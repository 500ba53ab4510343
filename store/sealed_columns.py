"""Every column that is sealed: how much is sealed with which key, and sealing it again with the current one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, inspect, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from store import photos, uploads, users, webhooks
from store.database import Database
from store.desk_models import Upload, User
from store.exchange_models import WebhookEndpoint
from store.photo_models import Photo
from store.sealing import HEADER_LENGTH, Keyring, Unreadable

BATCH = 10
"""Rows of a transaction: files have up to five megabytes, and nobody should wait for them."""
UNSEALED = ""
"""In the place of a key's name: kept before there was one."""


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column and what it is sealed for; files are bytes and may be kept unsealed, secrets are text."""

    name: str
    column: InstrumentedAttribute[Any]
    purpose: str
    is_file: bool = False

    def resealed(self, keyring: Keyring, stored: Any) -> Any:
        """`stored` under the current key. Raises `Unreadable`."""
        if self.is_file:
            return keyring.seal_file(keyring.open_file(stored, self.purpose), self.purpose)
        return keyring.seal_secret(keyring.open_secret(stored, self.purpose), self.purpose)


SEALED = (
    SealedColumn("second factors", User.totp_secret, users.SECOND_FACTOR),
    SealedColumn("webhook secrets", WebhookEndpoint.secret, webhooks.PURPOSE),
    SealedColumn("agents' files", Upload.content, uploads.PURPOSE, is_file=True),
    SealedColumn("meter pictures", Photo.content, photos.PURPOSE, is_file=True),
)


@dataclass(slots=True)
class Rotation:
    """How far a column has come. `unreadable` rows are left as they are: their key is not known here."""

    name: str
    resealed: int = 0
    unreadable: int = 0


async def keys_in_use(session: AsyncSession) -> dict[str, Mapping[str, int]]:
    """By the column's name, how many rows each key has sealed, by the key's name; `UNSEALED` for none."""
    return {each.name: await _keys_of(session, each) for each in SEALED}


async def _keys_of(session: AsyncSession, sealed: SealedColumn) -> dict[str, int]:
    header = _header(sealed)
    rows = await session.execute(select(header, func.count()).where(sealed.column.is_not(None)).group_by(header))
    counted: dict[str, int] = {}
    for value, count in rows:
        text = bytes(value).decode("ascii", "replace") if sealed.is_file else value
        begins, _, key = text.rstrip(":").partition(":")
        name = key if begins == "sealed" and len(text) == HEADER_LENGTH else UNSEALED
        counted[name] = counted.get(name, 0) + count
    return counted


async def rotate(database: Database, keyring: Keyring) -> AsyncIterator[Rotation]:
    """Seal with the current key whatever is not, column after column; yields after each batch.

    It may be stopped at any moment and begun again, and runs beside a service that has the same keys. A row that
    somebody changes meanwhile is theirs: it was sealed with the current key already.
    """
    for sealed in SEALED:
        done, last = Rotation(sealed.name), 0
        while True:
            async with database.writing() as session:
                last, found = await _reseal_batch(session, keyring, sealed, last, done)
            if found:
                yield done
            if found < BATCH:
                break


async def _reseal_batch(
    session: AsyncSession, keyring: Keyring, sealed: SealedColumn, after: int, done: Rotation
) -> tuple[int, int]:
    """The number of the last row looked at, and how many there were."""
    key = inspect(sealed.column.class_).primary_key[0]
    current: Any = f"sealed:{keyring.current_id}:"
    query = (
        select(key, sealed.column)
        .where(key > after, _header(sealed) != (current.encode() if sealed.is_file else current))
        .order_by(key)
        .limit(BATCH)
    )
    rows = (await session.execute(query)).all()
    for number, stored in rows:
        try:
            again = sealed.resealed(keyring, stored)
        except Unreadable:
            done.unreadable += 1
            continue
        unchanged = update(sealed.column.class_).where(key == number, sealed.column == stored)
        result = await session.execute(unchanged.values({sealed.column.key: again}).returning(key))
        done.resealed += len(result.all())
    return (rows[-1][0] if rows else after), len(rows)


def _header(sealed: SealedColumn) -> Any:
    return func.substr(sealed.column, 1, HEADER_LENGTH, type_=sealed.column.type)
