"""Who works at the demo's desk, in which teams, and the answers that they keep ready."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from store.desk_models import CannedAnswer, Role, Team, User

PASSWORD = "lanterne-cle-42"
"""Everybody's, and everybody knows it: these accounts exist on demo databases only."""
CANNED = Path(__file__).with_name("canned.yml")


@dataclass(frozen=True, slots=True)
class Person:
    """`teams` are names of `TEAMS`; `speaks` the customers' languages that they answer in."""

    email: str
    name: str
    role: Role
    speaks: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    language: str = "fr"


FRENCH, ARABIC = "Français", "العربية والدارجة"
TEAMS = {FRENCH: ("fr", "en"), ARABIC: ("ar", "ary", "ary-Latn")}
"""The customers' languages that each team answers."""

AGENT = "agent@demo.releve"
STAFF = (
    Person(AGENT, "Amina El Misbah", Role.AGENT, ("fr", "ar", "ary", "ary-Latn", "en"), (FRENCH, ARABIC)),
    Person("youssef@demo.releve", "Youssef Bouqalam", Role.AGENT, ("ar", "ary", "ary-Latn"), (ARABIC,), "ar"),
    Person("superviseur@demo.releve", "Salma El Minbar", Role.SUPERVISOR, ("fr", "ar"), (FRENCH, ARABIC)),
    Person("admin@demo.releve", "Karim Ben Daftar", Role.ADMINISTRATOR),
)
AGENTS_OF = {team: tuple(p.email for p in STAFF if p.role is Role.AGENT and team in p.teams) for team in TEAMS}


def team_for(language: str) -> str:
    """The team that answers a customer's language."""
    return next(name for name, languages in TEAMS.items() if language in languages)


def teams() -> dict[str, Team]:
    return {name: Team(name=name, languages=list(languages)) for name, languages in TEAMS.items()}


def people(teams: dict[str, Team], password_hash: str, now: datetime) -> dict[str, User]:
    """The accounts, by address. `password_hash` is argon2's of `PASSWORD`."""
    return {
        person.email: User(
            email=person.email,
            name=person.name,
            role=person.role,
            language=person.language,
            speaks=list(person.speaks),
            password_hash=password_hash,
            must_change_password=False,
            created_at=now,
            teams=[teams[name] for name in person.teams],
        )
        for person in STAFF
    }


def canned_answers(now: datetime) -> list[CannedAnswer]:
    return [
        CannedAnswer(name=answer["name"], language=language, body=body, changed_at=now)
        for answer in _canned()
        for language, body in answer.items()
        if language != "name"
    ]


@cache
def _canned() -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = yaml.safe_load(CANNED.read_text(encoding="utf-8"))
    return answers
