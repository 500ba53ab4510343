"""Puts people at the demo's desk, and work: a month of conversations, some that wait now, requests to decide."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from store.demo import cases, staff, talks, transcripts
from store.demo.cast import crowd
from store.demo.households import Household
from store.demo.loading import AlreadyLoaded, NotEmpty
from store.demo.talks import Line, Talk
from store.desk_models import User
from store.models import (
    Audit,
    Contract,
    Direction,
    Meter,
    Reading,
    ReadingSource,
    Register,
    RegisteredPhone,
)

LOADED = "demo.desk_loaded"
"""The audit entry that tells a desk with the demo's people from a real one."""


async def load_desk(session: AsyncSession, now: datetime, password_hash: str) -> None:
    """People, teams, answers kept ready, conversations, requests and readings to look at, in one transaction.

    `password_hash` is argon2's of `staff.PASSWORD`. The demo's customers must be there. Raises `DemoRefused` where
    people work already: accounts whose password everybody knows do not go among them.
    """
    await _require_nobody(session)
    teams = staff.teams()
    people = staff.people(teams, password_hash, now)
    session.add_all([*teams.values(), *people.values(), *staff.canned_answers(now)])
    await session.flush()
    told = [*talks.past(now), *await _readings_sent(session, now), *talks.waiting(now)]
    await transcripts.write(session, told, teams, people)
    deciders = [people[person.email].actor for person in staff.STAFF if person.speaks]
    await cases.load_requests(session, now, deciders)
    await cases.load_readings_to_review(session, now)
    session.add(Audit(at=now, actor="demo", action=LOADED, subject="database", details={}))
    await session.flush()


async def _require_nobody(session: AsyncSession) -> None:
    if await session.scalar(select(func.count()).where(Audit.action == LOADED)):
        raise AlreadyLoaded("the demo's desk is already furnished")
    if working := await session.scalar(select(func.count()).select_from(User)):
        raise NotEmpty(f"people work at this desk already ({working}); the demo's only go to an empty one")


async def _readings_sent(session: AsyncSession, now: datetime) -> list[Talk]:
    """A talk for each reading of the past month that the crowd's history says was sent from a phone."""
    households = {household.phone: household for household in crowd()}
    query = (
        select(Reading, RegisteredPhone.number)
        .join(Register, Register.id == Reading.register_id)
        .join(Meter, Meter.id == Register.meter_id)
        .join(Contract, Contract.id == Meter.contract_id)
        .join(RegisteredPhone, RegisteredPhone.contract_id == Contract.id)
        .where(
            Reading.source == ReadingSource.CUSTOMER,
            Reading.channel.in_(talks.CHANNELS),
            Reading.received_at.between(now - timedelta(days=talks.DAYS), now),
            RegisteredPhone.number.in_(households),
        )
        .order_by(Reading.id)
    )
    return [_reading_sent(households[phone], reading) for reading, phone in await session.execute(query)]


def _reading_sent(household: Household, reading: Reading) -> Talk:
    meant = talks.understood("submit_reading", household.language, entities=[["reading", str(reading.value)]])
    answer = talks.reading_noted(household.language, reading.reference)
    lines = (
        Line(reading.received_at, Direction.IN, str(reading.value), understood=meant),
        Line(reading.received_at + timedelta(seconds=2), Direction.OUT, answer),
    )
    assert reading.channel is not None
    return Talk(household, reading.channel, lines)
