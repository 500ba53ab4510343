"""`releve doctor` on what is sealed, and on a helpdesk that is the desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from chatwoot_server import ACCOUNT, INBOX, SECRET, TOKEN, Chatwoot
from pydantic import SecretStr
from serving import serving
from store_rows import NOW

from bot.bridges.chatwoot.webhook import PATH
from bot.doctor import chatwoot as chatwoot_check
from bot.doctor import sealed
from bot.doctor.finding import Verdict
from bot.settings import Settings
from store import uploads
from store.database import Database
from store.desk_models import Role, User
from store.sealing import Keyring, key_id

OURS = "https://releve.test"
OLD, NEW = "o" * 32, "n" * 32


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, public_url=OURS, **given)


@pytest.fixture
async def chatwoot() -> AsyncIterator[tuple[Chatwoot, dict[str, Any]]]:
    chatwoot = Chatwoot(inbox={"webhook_url": f"{OURS}{PATH}", "lock_to_single_conversation": False})
    async with serving(chatwoot.app(), lifespan="off") as base:
        yield (
            chatwoot,
            {
                "chatwoot_url": base,
                "chatwoot_account_id": ACCOUNT,
                "chatwoot_inbox_id": INBOX,
                "chatwoot_api_token": SecretStr(TOKEN),
                "chatwoot_webhook_secret": SecretStr(SECRET),
            },
        )


async def verdicts(**given: Any) -> list[tuple[Verdict, str]]:
    return [(each.verdict, each.text) async for each in chatwoot_check.check(settings(**given))]


@pytest.mark.parametrize(
    ("inbox", "changed", "verdict", "said"),
    [
        ({}, {}, Verdict.OK, "answers"),
        ({}, {"chatwoot_api_token": SecretStr("wrong")}, Verdict.WRONG, "401"),
        ({}, {"chatwoot_inbox_id": 99}, Verdict.WRONG, "404"),
        ({}, {"chatwoot_url": "http://127.0.0.1:1"}, Verdict.WRONG, "ConnectError"),
        ({}, {"chatwoot_webhook_secret": None}, Verdict.WRONG, "CHATWOOT_WEBHOOK_SECRET"),
        ({"channel_type": "Channel::WebWidget"}, {}, Verdict.WRONG, "kind API"),
        ({"webhook_url": "https://elsewhere.test"}, {}, Verdict.LOOK, f"{OURS}{PATH}"),
        ({"lock_to_single_conversation": True}, {}, Verdict.WRONG, "Lock to single conversation"),
    ],
)
async def test_chatwoot_is_asked(
    chatwoot: tuple[Chatwoot, dict[str, Any]],
    inbox: dict[str, Any],
    changed: dict[str, Any],
    verdict: Verdict,
    said: str,
) -> None:
    server, given = chatwoot
    server.inbox |= inbox
    found = await verdicts(**given | changed)
    assert found[-1][0] is verdict
    assert said in found[-1][1]


async def test_without_chatwoot_nothing_is_wrong() -> None:
    assert [verdict for verdict, _ in await verdicts()] == [Verdict.OFF]


@pytest.mark.parametrize(
    ("keys", "verdict", "said"),
    [
        ({"secret_key": OLD}, Verdict.OK, "sealed"),
        ({"secret_key": NEW, "secret_keys_old": OLD}, Verdict.LOOK, "releve secrets rotate"),
        ({"secret_key": NEW}, Verdict.WRONG, key_id(OLD)),
        ({}, Verdict.WRONG, key_id(OLD)),
    ],
)
async def test_keys_that_are_missing_are_told(
    database: Database, database_url: str, keys: dict[str, str], verdict: Verdict, said: str
) -> None:
    async with database.writing() as session:
        session.add(user := User(email="a@desk.test", name="Amina", role=Role.AGENT, created_at=NOW))
        await session.flush()
        await uploads.keep(session, Keyring(OLD), user.id, "a.pdf", "application/pdf", b"%PDF", NOW)
    (found,) = [each async for each in sealed.check(settings(database_url=database_url, **keys))]
    assert (found.subject, found.verdict) == ("agents' files", verdict)
    assert said in found.text
