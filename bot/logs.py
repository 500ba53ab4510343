"""Logging: structured lines on standard error, and never a customer's words or number in them."""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal

import orjson
import structlog
from structlog.typing import EventDict, Processor

from bot.telemetry.masking import withhold
from bot.telemetry.metrics import count_line
from bot.telemetry.tracebacks import trace

Format = Literal["auto", "json", "console"]
Level = Literal["debug", "info", "warning", "error"]

QUIET = (
    "rasa",
    "rasa_sdk",
    "httpx",
    "httpcore",
    "aiogram",
    "sanic",
    "apscheduler",
    "matplotlib",
    "fontTools",
    "fpdf",
)
"""They say nothing that an operator could use, below an error."""
SECRETIVE = ("rasa", "rasa_sdk", "asyncio")
"""They quote what they worked on: the first line of what they say, and none of the values in it."""


def configure(level: Level = "info", format: Format = "auto") -> None:
    """Set up structlog and the standard library's logging. Call before Rasa is imported.

    JSON lines for a machine, something to read for a person at a terminal; `auto` finds out who reads. Unconfigured,
    structlog prints Rasa's debug events, customers' texts included, to standard output.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    for_people = format == "console" or (format == "auto" and sys.stderr.isatty())
    rendering = [structlog.dev.ConsoleRenderer() if for_people else structlog.processors.JSONRenderer(_json)]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        count_line,
        _without_rasas_words,
        trace,
        withhold,
    ]
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, _only_the_template, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    logging.basicConfig(level=max(least, logging.WARNING), handlers=[handler], force=True)
    for each in QUIET:
        logging.getLogger(each).setLevel(logging.ERROR)


def _json(event: EventDict, **_options: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _without_rasas_words(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Rasa's own structured events come with a sentence about what it works on."""
    if "event_info" in event:
        return {key: event[key] for key in ("event", "level", "timestamp", "exc_info") if key in event}
    return event


def _only_the_template(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A line of the standard library's logging, without the values of one that quotes what it worked on."""
    record: logging.LogRecord = event["_record"]
    if record.name.partition(".")[0] in SECRETIVE:
        event["event"] = str(record.msg).partition("\n")[0]
    if record.exc_info:
        event["exc_info"] = record.exc_info
    return event
