"""Who the audit means by `user:7`."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from store.desk_models import User

PERSON = "user:"


async def names_of(session: AsyncSession, actors: Iterable[str]) -> dict[str, str]:
    """The names of the people among `actors`; one who acted at a terminal (`user:amina`) is called so."""
    people = {actor: actor.removeprefix(PERSON) for actor in actors if actor.startswith(PERSON)}
    ids = [int(said) for said in people.values() if said.isdecimal()]
    known: dict[str, str] = {}
    if ids:
        query = select(User.id, User.name).where(User.id.in_(ids))
        known = {f"{PERSON}{user_id}": name for user_id, name in await session.execute(query)}
    return people | known
