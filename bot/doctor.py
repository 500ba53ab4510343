"""`releve doctor`: what works, what does not, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from actions.operator import BadOperator, load_operator
from billing.tariff import TARIFFS, TariffError, load
from bot.engine.assistant import NoModel, newest_model
from bot.service import OPERATORS, NotReady, require_current_schema
from bot.settings import Settings
from store.database import Database

SHORTEST_KEY = 32
CALLBACK = "/desk/login/oidc/callback"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. `ok` is None for something that is off by choice."""

    subject: str
    ok: bool | None
    text: str


async def run(settings: Settings) -> bool:
    """Print every check; True when nothing is wrong."""
    findings = [*_settings(settings), *_operator(settings), *_model(settings), await _database(settings)]
    findings += [*_carriers(settings), *_desk(settings)]
    table = Table(show_header=False, box=None, pad_edge=False)
    marks = {True: "[green]ok[/]", False: "[red]wrong[/]", None: "[dim]off[/]"}
    for finding in findings:
        table.add_row(marks[finding.ok], finding.subject, finding.text)
    Console(soft_wrap=True).print(table)
    return all(finding.ok is not False for finding in findings)


def _settings(settings: Settings) -> Iterator[Finding]:
    public = urlsplit(settings.public_url)
    local = public.hostname in ("localhost", "127.0.0.1")
    carriers = settings.twilio_configured or settings.telegram_configured
    if public.scheme == "https" or not carriers:
        yield Finding("PUBLIC_URL", True, settings.public_url)
    elif local:
        yield Finding("PUBLIC_URL", None, f"{settings.public_url}: carriers on the internet cannot call it")
    else:
        yield Finding("PUBLIC_URL", False, f"{settings.public_url}: carriers need https://")


def _operator(settings: Settings) -> Iterator[Finding]:
    try:
        operator = load_operator(OPERATORS, settings.operator)
        yield Finding("OPERATOR", True, operator.name)
        yield _tariffs(operator.tariffs)
    except BadOperator as error:
        yield Finding("OPERATOR", False, str(error))


def _tariffs(folder: str) -> Finding:
    try:
        tariffs = load(TARIFFS / folder)
    except TariffError as error:
        return Finding("tariffs", False, str(error))
    assumed = sorted({name for name, tariff in tariffs.items() for p in tariff.parameters if p.confidence == "L"})
    if assumed:
        return Finding("tariffs", None, f"with assumed figures, to be replaced by your own: {', '.join(assumed)}")
    return Finding("tariffs", True, f"{len(tariffs)} of them")


def _model(settings: Settings) -> Iterator[Finding]:
    try:
        yield Finding("MODEL_DIR", True, newest_model(settings.model_dir).name)
    except NoModel as error:
        yield Finding("MODEL_DIR", False, str(error))


async def _database(settings: Settings) -> Finding:
    database = Database(settings.database_url)
    try:
        await require_current_schema(database)
        return Finding("DATABASE_URL", True, database.address)
    except NotReady as error:
        return Finding("DATABASE_URL", False, str(error))
    finally:
        await database.close()


def _carriers(settings: Settings) -> Iterator[Finding]:
    if settings.twilio_configured:
        senders = [each for each in (settings.twilio_sms_from, settings.twilio_whatsapp_from) if each]
        yield Finding("Twilio", True, f"sends from {', '.join(senders)}")
    elif settings.twilio_account_sid or settings.twilio_auth_token:
        yield Finding(
            "Twilio", False, "needs TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_SMS_FROM or TWILIO_WHATSAPP_FROM"
        )
    else:
        yield Finding("Twilio", None, "no TWILIO_ACCOUNT_SID: SMS and WhatsApp are off")
    if not settings.telegram_configured:
        yield Finding("Telegram", None, "no TELEGRAM_TOKEN: Telegram is off")
    elif settings.telegram_mode == "webhook" and settings.telegram_webhook_secret is None:
        yield Finding("Telegram", False, "webhook mode needs TELEGRAM_WEBHOOK_SECRET; or set TELEGRAM_MODE=polling")
    else:
        yield Finding("Telegram", True, f"by {settings.telegram_mode}")


def _desk(settings: Settings) -> Iterator[Finding]:
    key = settings.secret_key.get_secret_value() if settings.secret_key else ""
    required = settings.desk_second_factor == "required"
    if not key:
        what = "nobody can enrol a second factor at the desk"
        yield Finding(
            "SECRET_KEY",
            False if required else None,
            f"not set: {what}" + (", which is required" if required else ""),
        )
    elif len(key) < SHORTEST_KEY:
        yield Finding(
            "SECRET_KEY", False, f"has {len(key)} characters; it needs at least {SHORTEST_KEY}, random ones"
        )
    else:
        yield Finding("SECRET_KEY", True, "seals second factors" + (", which are required" if required else ""))
    given = (settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret)
    if not any(given):
        yield Finding("OpenID Connect", None, "no OIDC_ISSUER: people sign in to the desk with passwords")
    elif not settings.oidc_configured:
        yield Finding("OpenID Connect", False, "needs OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET and SECRET_KEY")
    else:
        yield Finding("OpenID Connect", True, f"by {settings.oidc_issuer}, back to {settings.public_url}{CALLBACK}")
