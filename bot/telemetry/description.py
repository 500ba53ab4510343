"""What runs, as Prometheus and the traces name it."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from bot.telemetry.metrics import BUILD, MODEL


@cache
def release() -> str:
    """The version of Relève."""
    try:
        return version("releve")
    except PackageNotFoundError:  # run from a folder in which it was never installed
        return "unknown"


def describe(database: str, model: str, operator: str) -> None:
    """Say what this process is made of."""
    BUILD.info({"version": release(), "python": platform.python_version(), "database": database})
    MODEL.info({"name": model, "operator": operator})
