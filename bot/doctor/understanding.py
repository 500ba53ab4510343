"""What answers customers: the operator's file, its tariffs, and the trained model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from actions.operator import BadOperator, load_operator
from billing.tariff import TARIFFS, TariffError, load
from bot.doctor.finding import Finding, look, ok, said, wrong
from bot.engine.assistant import Assistant, NoModel, newest_model
from bot.service import LOCALES, OPERATORS
from bot.settings import PROJECT, Settings

LEARNT_FROM = ("config.yml", "domain.yml", "data")
"""Files and folders that a model is made of."""


async def check(settings: Settings) -> AsyncIterator[Finding]:
    try:
        operator = load_operator(OPERATORS, settings.operator)
        yield ok("OPERATOR", operator.name)
        yield _tariffs(operator.tariffs)
    except BadOperator as error:
        yield wrong("OPERATOR", str(error))
    try:
        model = newest_model(settings.model_dir)
    except NoModel as error:
        yield wrong("MODEL_DIR", str(error))
        return
    yield _model(settings, model)


def _tariffs(folder: str) -> Finding:
    try:
        tariffs = load(TARIFFS / folder)
    except TariffError as error:
        return wrong("tariffs", str(error))
    assumed = sorted({name for name, tariff in tariffs.items() for p in tariff.parameters if p.confidence == "L"})
    if assumed:
        return look("tariffs", f"with assumed figures, to be replaced by your own: {', '.join(assumed)}")
    return ok("tariffs", f"{len(tariffs)} of them")


def _model(settings: Settings, model: Path) -> Finding:
    try:
        Assistant.load(settings.model_dir, LOCALES).parse("bonjour")
    except Exception as error:
        return wrong(
            "MODEL_DIR", f"{model.name} cannot be loaded ({type(error).__name__}: {said(error)}): `releve train`"
        )
    trained, changed = _moment(model), max(_moment(each) for each in _sources())
    if changed > trained:
        return look(
            "MODEL_DIR", f"{model.name} is of {trained:%Y-%m-%d %H:%M}, data or rules are newer: `releve train`"
        )
    return ok("MODEL_DIR", f"{model.name} loads")


def _sources() -> list[Path]:
    found = [PROJECT / each for each in LEARNT_FROM]
    return [file for each in found for file in ([each] if each.is_file() else each.rglob("*.yml"))]


def _moment(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)
