"""Teams: who shares a queue, and for which languages of customers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from store.desk_models import HandOver, Team, TeamMember, User
from store.models import Audit

LONGEST_NAME = 80


class NameTaken(ValueError):
    """There is a team of that name already."""


class TeamBusy(ValueError):
    """Conversations are waiting for the team, or with it."""


async def every_team(session: AsyncSession) -> list[Team]:
    return list(await session.scalars(select(Team).order_by(Team.name)))


async def by_names(session: AsyncSession, names: Iterable[str]) -> list[Team]:
    """The teams of these names. Raises `ValueError`, one line, for a name that is no team's."""
    known = {team.name: team for team in await every_team(session)}
    for name in names:
        if name not in known:
            raise ValueError(
                f"there is no team named '{name}'" + (f"; there are: {', '.join(known)}" if known else "")
            )
    return [known[name] for name in names]


async def team_for(session: AsyncSession, language: str | None) -> int | None:
    """The team for the customers of a language: of several that with the fewest languages; None for all teams."""
    teams = await session.scalars(select(Team).order_by(Team.id))
    fitting = [team for team in teams if language in team.languages]
    return min(fitting, key=lambda team: len(team.languages)).id if fitting else None


async def sizes(session: AsyncSession) -> dict[int, int]:
    """How many people each team has, by the team's id; teams without anybody are left out."""
    query = select(TeamMember.team_id, func.count().label("size")).group_by(TeamMember.team_id)
    return {row.team_id: row.size for row in await session.execute(query)}


async def add(session: AsyncSession, name: str, languages: Iterable[str], actor: str, now: datetime) -> Team:
    """Make a team. Raises `NameTaken`."""
    team = Team(name=name.strip(), languages=sorted(set(languages)))
    session.add(team)
    await _flush(session, team)
    _record(session, "team.created", team, actor, now, {"name": team.name, "languages": team.languages})
    return team


async def change(
    session: AsyncSession, team: Team, name: str, languages: Iterable[str], actor: str, now: datetime
) -> None:
    """Rename a team, or say for which languages it is. Raises `NameTaken`."""
    before = {"name": team.name, "languages": team.languages}
    team.name, team.languages = name.strip(), sorted(set(languages))
    await _flush(session, team)
    after = {"name": team.name, "languages": team.languages}
    if before != after:
        _record(session, "team.changed", team, actor, now, {"before": before, "after": after})


async def set_members(
    session: AsyncSession, team: Team, user_ids: Collection[int], actor: str, now: datetime
) -> None:
    """Who is in a team; what is nobody's id is left out."""
    before = set(await session.scalars(select(TeamMember.user_id).where(TeamMember.team_id == team.id)))
    after = set(await session.scalars(select(User.id).where(User.id.in_(user_ids))))
    joined, left = sorted(after - before), sorted(before - after)
    if not joined and not left:
        return
    await session.execute(delete(TeamMember).where(TeamMember.team_id == team.id, TeamMember.user_id.in_(left)))
    session.add_all(TeamMember(team_id=team.id, user_id=user_id) for user_id in joined)
    await session.flush()
    _record(session, "team.members", team, actor, now, {"joined": joined, "left": left})


async def remove(session: AsyncSession, team: Team, actor: str, now: datetime) -> None:
    """Take a team away; what it did in the past then belongs to no team. Raises `TeamBusy`."""
    mine = HandOver.team_id == team.id
    if await session.scalar(select(func.count()).where(mine, HandOver.ended_at.is_(None))):
        raise TeamBusy(f"the team '{team.name}' has open conversations")
    await session.execute(update(HandOver).where(mine).values(team_id=None))
    _record(session, "team.removed", team, actor, now, {"name": team.name})
    await session.delete(team)
    await session.flush()


async def _flush(session: AsyncSession, team: Team) -> None:
    name = team.name
    try:
        await session.flush()
    except IntegrityError as error:
        raise NameTaken(f"there is a team named '{name}' already") from error


def _record(
    session: AsyncSession, action: str, team: Team, actor: str, now: datetime, details: dict[str, Any]
) -> None:
    session.add(Audit(at=now, actor=actor, action=action, subject=f"team:{team.id}", details=details))
