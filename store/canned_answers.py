"""Answers kept ready, by name and language. Supervisors change them, agents use them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from store.desk_models import CannedAnswer
from store.models import Audit

PICKED = 30
"""Answers that are offered at once beside a conversation."""


class NameTaken(ValueError):
    """There is an answer of this name in this language already."""


async def find(
    session: AsyncSession, languages: Sequence[str], words: str = "", most: int | None = None
) -> list[CannedAnswer]:
    """Answers in any of `languages` (all without any) that have every one of `words` in name or text, by name.

    Capitals make no difference where the database can tell (SQLite: letters without accents only).
    """
    query = select(CannedAnswer).order_by(CannedAnswer.name, CannedAnswer.language)
    if languages:
        query = query.where(CannedAnswer.language.in_(languages))
    for word in words.split():
        like = f"%{_escaped(word.lower())}%"
        columns = (func.lower(CannedAnswer.name), func.lower(CannedAnswer.body))
        query = query.where(or_(*(column.like(like, escape="\\") for column in columns)))
    return list(await session.scalars(query if most is None else query.limit(most)))


async def get(session: AsyncSession, answer_id: int) -> CannedAnswer | None:
    return await session.get(CannedAnswer, answer_id)


async def save(
    session: AsyncSession, answer: CannedAnswer, name: str, language: str, body: str, user_id: int, now: datetime
) -> None:
    """Write a new answer, or an old one's new words. Raises `NameTaken`; the transaction is then over."""
    before = {} if answer.id is None else {"name": answer.name, "language": answer.language}
    answer.name, answer.language, answer.body = name, language, body
    answer.changed_at, answer.changed_by_id = now, user_id
    session.add(answer)
    try:
        await session.flush()
    except IntegrityError as error:
        raise NameTaken(name) from error
    _note(session, answer, "changed" if before else "added", user_id, now, before)


async def remove(session: AsyncSession, answer: CannedAnswer, user_id: int, now: datetime) -> None:
    _note(session, answer, "removed", user_id, now, {"name": answer.name, "language": answer.language})
    await session.delete(answer)


def _note(
    session: AsyncSession, answer: CannedAnswer, what: str, user_id: int, now: datetime, before: dict[str, str]
) -> None:
    session.add(
        Audit(
            at=now,
            actor=f"user:{user_id}",
            action=f"canned_answer.{what}",
            subject=f"canned_answer:{answer.id}",
            details=before or {"name": answer.name, "language": answer.language},
        )
    )


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
