"""`releve demo`: one process, SQLite, fictitious customers with three phones at `/try`, and people at the desk."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from fastapi import FastAPI
from pydantic import SecretStr
from rich.console import Console

from billing.calendar import local_day
from bot import training
from bot.clock import system_clock
from bot.engine.assistant import NoModel, newest_model
from bot.faults import Fault
from bot.settings import Settings
from bot.tryit.demo import demo_customers
from bot.tryit.emulators import EmulatorConfig
from bot.tryit.page import tryit_app
from store import demo as demo_data
from store import schema
from store.database import Database
from store.demo import staff
from store.demo.desk import load_desk
from store.passwords import hashed

SMS_FROM = "+212520000001"
WHATSAPP_FROM = "+212520000002"


def run(host: str, port: int, data: Path) -> None:
    """Prepare what is missing, print where to look, and serve until interrupted."""
    console = Console(stderr=True)
    settings = demo_settings(host, port, data)
    _prepare(settings, console)

    from bot.app import create_app
    from bot.edge.listening import listen
    from bot.service import Service

    service = Service.build(settings)
    address = settings.public_url
    tryit = tryit_app(emulator_config(settings), demo_customers(), operator=service.operator.name)

    def mount(app: FastAPI) -> None:
        app.mount("/try", tryit)
        app.router.on_shutdown.append(tryit.state.emulators.aclose)

    console.print(f"\n  Play a customer   {address}/try", highlight=False)
    console.print("  Try              a text such as 48213 from +212600000001 (contract 10000001)", highlight=False)
    console.print(f"  The desk         {address}/desk", highlight=False)
    console.print(f"  Sign in as       {staff.AGENT}   password {staff.PASSWORD}", highlight=False)
    others = ", ".join(person.email for person in staff.STAFF if person.email != staff.AGENT)
    console.print(f"  or as            {others} (the same password)", highlight=False)
    console.print(f"  Health           {address}/readyz\n", highlight=False)
    app = create_app(service, mount=mount)
    sys.exit(listen(app, service, settings, host=host, port=port, drain_seconds=0))


def demo_settings(host: str, port: int, data: Path) -> Settings:
    """Settings that point the real carriers' SDKs at the emulators of this very process."""
    base = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"
    return Settings(
        _env_file=None,
        database_url=f"sqlite+aiosqlite:///{data.resolve()}",
        public_url=base,
        secret_key=SecretStr(_kept_secret(data.with_suffix(".key"))),
        model_dir=Settings().model_dir,
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_token=SecretStr(secrets.token_hex(16)),
        twilio_sms_from=SMS_FROM,
        twilio_whatsapp_from=WHATSAPP_FROM,
        twilio_api_url=f"{base}/try/carriers/twilio",
        telegram_token=SecretStr("1:demo"),
        telegram_api_url=f"{base}/try/carriers/telegram",
        telegram_webhook_secret=SecretStr(secrets.token_hex(16)),
    )


def _kept_secret(file: Path) -> str:
    """The demo's secret, made at its first start and kept beside its database: second factors are sealed with it."""
    with suppress(FileExistsError), open(file, "x", opener=_owners_only, encoding="ascii") as new:
        new.write(secrets.token_urlsafe(32))
    return file.read_text(encoding="ascii").strip()


def _owners_only(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def emulator_config(settings: Settings) -> EmulatorConfig:
    """The emulators' side of the same agreement."""
    assert settings.twilio_account_sid is not None
    assert settings.twilio_auth_token is not None
    assert settings.telegram_token is not None
    assert settings.telegram_webhook_secret is not None
    return EmulatorConfig(
        webhook_base=settings.public_url,
        own_base=f"{settings.public_url}/try",
        twilio_account_sid=settings.twilio_account_sid,
        twilio_auth_token=settings.twilio_auth_token.get_secret_value(),
        sms_from=SMS_FROM,
        whatsapp_from=WHATSAPP_FROM,
        telegram_token=settings.telegram_token.get_secret_value(),
        telegram_secret=settings.telegram_webhook_secret.get_secret_value(),
    )


async def load_demo(database: Database) -> str:
    """Load customers and desk, and say what was loaded. Raises `DemoRefused` when there are customers already."""
    loaded = await load_customers(database)
    try:
        return f"{loaded}\n{await furnish_desk(database)}"
    except demo_data.DemoRefused as refused:
        return f"{loaded}\nThe desk stays as it is: {refused}."


async def load_customers(database: Database) -> str:
    """Bring the schema up to date, load the fictitious customers, say how many.

    Raises `DemoRefused` when there are customers already.
    """
    await schema.upgrade(database)
    async with database.writing() as session:
        loaded = await demo_data.load(session, local_day(system_clock()))
    return (
        f"Loaded {loaded.customers} fictitious customers with {loaded.contracts} contracts, "
        f"{loaded.readings} readings and {loaded.bills} bills."
    )


async def furnish_desk(database: Database) -> str:
    """Put the demo's people and their work at the desk of a database with the demo's customers; say how to sign in.

    Raises `DemoRefused` when people work there already.
    """
    password_hash = await hashed(staff.PASSWORD)
    async with database.writing() as session:
        await load_desk(session, system_clock(), password_hash)
    return f"The desk has {len(staff.STAFF)} people: sign in as {staff.AGENT} with the password {staff.PASSWORD}"


def _prepare(settings: Settings, console: Console) -> None:
    """Model, schema and customers, each only when missing."""
    try:
        newest_model(settings.model_dir)
    except NoModel:
        # In a process of its own: what trains is left out of the one that serves. What is doubtful in the examples is
        # for designers, not for whoever tries the assistant.
        train = [sys.executable, "-m", "bot", "train", "--quiet"]
        with console.status("Training the model, the first time only: about half a minute"):
            trained = training.from_cache(settings) or not subprocess.run(train, check=False).returncode
        if not trained:
            raise Fault("no model could be trained") from None

    async def database_ready() -> None:
        database = Database(settings.database_url)
        try:
            await schema.upgrade(database)
            with suppress(demo_data.AlreadyLoaded):
                console.print(await load_customers(database))
            with suppress(demo_data.DemoRefused):
                await furnish_desk(database)
        finally:
            await database.close()

    asyncio.run(database_ready())


__all__ = ["demo_settings", "emulator_config", "load_demo", "run"]
