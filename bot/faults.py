"""What an operator is told: one line, saying what and where, and exit code 2. No traceback reaches anyone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError

from actions.operator import BadOperator
from bot.settings import Settings

EXIT_CODE = 2


class Fault(RuntimeError):
    """Something the operator must put right; the message is one line."""


@contextmanager
def reported() -> Iterator[None]:
    """Turn what an operator can put right into one line on standard error."""
    try:
        yield
    except (Fault, BadOperator) as fault:
        _exit(str(fault))
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        _exit(f"setting RELEVE_{name}: {first['msg'].removeprefix('Value error, ')}")
    except Exception as error:
        # Imported late: a wrong setting must not cost the seconds that these take.
        from bot.engine.assistant import NoModel
        from bot.service import NotReady
        from store.demo import DemoRefused
        from store.schema import TablesInUse, UnknownRevision

        if isinstance(error, NoModel | NotReady | DemoRefused | TablesInUse | UnknownRevision):
            _exit(str(error))
        raise


def _exit(line: str) -> None:
    typer.echo(f"releve: {' '.join(line.split())}", err=True)
    sys.exit(EXIT_CODE)


def load_settings(**overrides: object) -> Settings:
    """The settings from the environment. Raises pydantic's ValidationError; run inside `reported`."""
    return Settings(**overrides)  # type: ignore[arg-type]
