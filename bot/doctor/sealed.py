"""What is sealed in the database, and whether the keys for it are here."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.doctor.finding import Finding, look, ok, wrong
from bot.service import NotReady, require_current_schema
from bot.settings import Settings
from store.database import Database
from store.sealed_columns import UNSEALED, keys_in_use


async def check(settings: Settings) -> AsyncIterator[Finding]:
    keyring = settings.keyring
    database = Database(settings.database_url)
    try:
        try:
            await require_current_schema(database)
        except NotReady:
            return  # said where the database is checked
        async with database.reading() as session:
            in_use = await keys_in_use(session)
    finally:
        await database.close()
    for name, keys in in_use.items():
        missing = sorted(keys.keys() - {UNSEALED, *keyring.key_ids})
        older = sum(count for key, count in keys.items() if key in keyring.key_ids[1:])
        if missing:
            rows = sum(keys[key] for key in missing)
            yield wrong(name, f"{rows} need key {', '.join(missing)}: add it to SECRET_KEYS_OLD, or they are lost")
        elif older:
            yield look(name, f"{older} are sealed with an older key: `releve secrets rotate`")
        elif keys.get(UNSEALED) and keyring.current_id:
            yield look(name, f"{keys[UNSEALED]} were kept before there was a key: `releve secrets rotate` seals them")
        elif keys:
            yield ok(name, f"{sum(keys.values())}, {'sealed' if keyring.current_id else 'not sealed: no SECRET_KEY'}")
