"""Logging: structured lines on standard error, and never a customer's words or number in them."""

from __future__ import annotations

import logging
import sys

import structlog


def configure(level: int = logging.INFO) -> None:
    """Set up structlog for a person at a terminal, or JSON lines for a machine. Call before Rasa is imported.

    Unconfigured, structlog prints Rasa's debug events, customers' texts included, to standard output (trap 9).
    """
    renderer: structlog.typing.Processor
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer()
    else:
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    for chatty in ("rasa", "rasa_sdk", "httpx", "aiogram", "sanic", "apscheduler", "matplotlib"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
