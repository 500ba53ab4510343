"""All checks, by group, in the order in which one would put them right."""

from __future__ import annotations

from collections.abc import Mapping

from bot.doctor import chatwoot, database, desk, installation, sealed, telegram, twilio, understanding, watching
from bot.doctor.finding import Check, Finding, Verdict, guarded
from bot.settings import Settings

GROUPS: Mapping[str, Check] = {
    "Installation": installation.check,
    "Database": database.check,
    "What is sealed": sealed.check,
    "Understanding": understanding.check,
    "Twilio": twilio.check,
    "Telegram": telegram.check,
    "Desk": desk.check,
    "Helpdesk": chatwoot.check,
    "Watching over it": watching.check,
}

Examination = Mapping[str, list[Finding]]


async def examine(settings: Settings) -> Examination:
    """Every finding, by group. Raises nothing."""
    return {name: await guarded(check, settings, name) for name, check in GROUPS.items()}


def is_well(found: Examination) -> bool:
    """Whether nothing is wrong; what somebody should look at is not wrong."""
    return all(each.verdict is not Verdict.WRONG for findings in found.values() for each in findings)
