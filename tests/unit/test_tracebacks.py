"""A traceback in the log says where and what kind, never what the error says of a customer."""

from __future__ import annotations

import errno
import io
import json
import logging
import sys
from collections.abc import Callable, Iterator

import pytest
import structlog
from sqlalchemy.exc import IntegrityError

from bot import logs
from bot.telemetry.tracebacks import scrubbed, summary

WORDS = "mon index est quarante-huit mille"
PHONE = "+212600000001"


def _raise_with_words() -> None:
    try:
        int(WORDS)
    except ValueError as error:
        raise LookupError(f"{PHONE} wrote {WORDS}") from error


def _raised(raises: Callable[[], None]) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        raises()
    return caught.value


def test_it_says_where_and_of_which_kind_with_its_causes() -> None:
    told = scrubbed(_raised(_raise_with_words))
    assert "in _raise_with_words" in told
    assert "builtins.LookupError" in told
    assert "caused by" in told
    assert "builtins.ValueError" in told
    assert WORDS not in told
    assert PHONE not in told


def test_a_circle_of_causes_comes_to_an_end() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert scrubbed(first).count("ValueError") == 2


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "builtins.OSError: No space left on device"),
        (
            IntegrityError(f"INSERT {WORDS}", {"body": WORDS}, ValueError(WORDS)),
            "sqlalchemy.exc.IntegrityError of ValueError",
        ),
        (
            ExceptionGroup(WORDS, [ValueError(WORDS), KeyError(WORDS)]),
            "builtins.ExceptionGroup of KeyError, ValueError",
        ),
        (ValueError(WORDS), "builtins.ValueError"),
    ],
)
def test_what_the_system_says_is_kept_and_what_others_say_is_not(error: BaseException, expected: str) -> None:
    assert summary(error) == expected


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, object]]]]:
    """What is logged while the test runs, as a machine reads it."""
    written = io.StringIO()
    before, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", written)
        logs.configure("info", "json")
    server = logging.getLogger("uvicorn.error")
    quieted = server.level
    server.setLevel(logging.NOTSET)  # the tests' own servers quiet it
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    structlog.configure(**before)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    server.setLevel(quieted)


def test_our_own_lines_are_json_without_anybodys_words(lines: Callable[[], list[dict[str, object]]]) -> None:
    log = structlog.get_logger()
    log.info("turn.handled", message=1, body=WORDS, reason=f"told {PHONE}")
    log.error("turn.failed", message=1, exc_info=_raised(_raise_with_words))
    handled, failed = lines()
    assert (handled["event"], handled["body"], handled["reason"]) == ("turn.handled", "[withheld]", "told [number]")
    assert handled["level"] == "info"
    assert "LookupError" in str(failed["exception"])
    assert WORDS not in json.dumps([handled, failed])


def test_libraries_speak_through_the_same_lines(lines: Callable[[], list[dict[str, object]]]) -> None:
    logging.getLogger("uvicorn.error").error("[Errno 98] address already in use, told by %s", PHONE)
    never = f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{WORDS}')>"
    logging.getLogger("asyncio").error(never)
    logging.getLogger("rasa.core").error("could not handle %s", WORDS)
    logging.getLogger("httpx").info("GET https://api.telegram.org/bot1:secret/getMe")
    said = lines()
    assert [each["event"] for each in said] == [
        "[Errno 98] address already in use, told by [number]",
        "Task exception was never retrieved",
        "could not handle %s",
    ]
    assert [each["logger"] for each in said] == ["uvicorn.error", "asyncio", "rasa.core"]


def test_rasas_own_events_keep_their_names_alone(lines: Callable[[], list[dict[str, object]]]) -> None:
    structlog.get_logger().warning("processor.message.parse", event_info=f"Received {WORDS}", parse_data_text=WORDS)
    (said,) = lines()
    assert said["event"] == "processor.message.parse"
    assert WORDS not in json.dumps(said)
