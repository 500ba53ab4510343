"""Pictures and documents of replies: made elsewhere, once, or not at all; their addresses; their captions."""

from __future__ import annotations

import ast
import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import tiny_maker
import yaml
from babel.messages.pofile import read_po
from rasa_sdk.executor import CollectingDispatcher

from actions.speech import say
from bot.channels.carrier import CAPTION_LIMIT
from bot.channels.text import units
from bot.sending.attachments import MAKERS, Attachments, NotMade
from bot.sending.files import LIFETIME, FileLinks
from bot.settings import PROJECT, Settings

NOW = datetime(2026, 3, 31, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MAKERS, "tiny", ("tiny_maker", "image/png"))
    monkeypatch.setitem(MAKERS, "missing", ("no_such_module", "image/png"))


@pytest.fixture
async def attachments() -> AsyncIterator[Attachments]:
    attachments = Attachments(workers=1)
    yield attachments
    await attachments.close()


def order(words: str = "mars", make: str = "tiny", **spec: Any) -> dict[str, Any]:
    return {"make": make, "name": "facture.png", "spec": {"words": words, **spec}}


def makings(log: Path) -> list[int]:
    """The processes that made something, in order."""
    return [int(line) for line in log.read_text().split()] if log.exists() else []


# -- making ----------------------------------------------------------------------------------------


async def test_a_picture_is_made_in_another_process_once_for_all_who_ask(
    attachments: Attachments, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    wanted = order(log=str(log), seconds=0.2)
    together = await asyncio.gather(*(attachments.content(wanted) for _ in range(20)))
    later = await attachments.content(wanted | {"name": "another-name.png"})
    assert {*together, later} == {tiny_maker.picture("mars")}
    (process,) = makings(log)
    assert process != os.getpid()
    assert await attachments.content(order("avril", log=str(log))) == tiny_maker.picture("avril")
    assert makings(log) == [process, process]


async def test_pictures_are_kept_up_to_a_number_of_bytes_and_the_least_used_goes_first(tmp_path: Path) -> None:
    log, size = tmp_path / "log", len(tiny_maker.picture("a"))
    attachments = Attachments(workers=1, cached_bytes=2 * size)
    for words in ("a", "b", "a", "c", "a", "b"):  # b goes when c comes, c when b is back
        await attachments.content(order(words, log=str(log)))
    await attachments.close()
    assert len(makings(log)) == 4


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (order("640,00 DH", fate="fails"), "tiny: ValueError"),
        (order(fate="dies"), "tiny: BrokenProcessPool"),
        (order(fate="is empty"), "tiny: empty"),
        (order(make="missing"), "missing: ModuleNotFoundError"),
        (order(make="unheard_of"), "nothing makes 'unheard_of'"),
    ],
)
async def test_what_cannot_be_made_says_why_in_no_words_of_the_customers_and_the_next_is_made(
    attachments: Attachments, wanted: dict[str, Any], reason: str
) -> None:
    with pytest.raises(NotMade) as fault:
        await attachments.content(wanted)
    assert str(fault.value) == reason
    assert await attachments.content(order("avril")) == tiny_maker.picture("avril")


async def test_a_worker_that_hangs_is_killed_in_time_and_replaced(tmp_path: Path) -> None:
    log = tmp_path / "log"
    attachments = Attachments(workers=1, seconds=3)
    await attachments.content(order(log=str(log)))
    begun = time.monotonic()
    with pytest.raises(NotMade):
        await attachments.content(order(fate="hangs", log=str(log)))
    assert time.monotonic() - begun < 4
    assert await attachments.content(order("avril", log=str(log))) == tiny_maker.picture("avril")
    await attachments.close()
    first, hung, last = makings(log)
    assert first == hung != last
    assert _ends(first)
    assert _ends(last)


async def test_a_worker_that_died_while_idle_is_replaced_and_nobody_notices(
    attachments: Attachments, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    await attachments.content(order(log=str(log)))
    os.kill(makings(log)[0], signal.SIGKILL)
    assert await attachments.content(order("avril", log=str(log))) == tiny_maker.picture("avril")


async def test_whoever_gives_up_leaves_the_picture_to_the_others(attachments: Attachments) -> None:
    wanted = order(seconds=0.3)
    hasty = asyncio.create_task(attachments.content(wanted))
    patient = asyncio.create_task(attachments.content(wanted))
    await asyncio.sleep(0)
    hasty.cancel()
    assert await patient == tiny_maker.picture("mars")
    with pytest.raises(asyncio.CancelledError):
        await hasty


async def test_while_pictures_are_made_the_loop_turns() -> None:
    """What a turn or a send would wait: no step of the event loop takes long."""
    attachments = Attachments(workers=2)
    await asyncio.gather(*(attachments.content(order(str(n))) for n in range(2)))  # processes are started
    making = asyncio.gather(*(attachments.content(order(str(n), seconds=0.05)) for n in range(2, 12)))
    longest, last = 0.0, time.perf_counter()
    while not making.done():
        await asyncio.sleep(0)
        longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
    await making
    await attachments.close()
    assert longest < 0.2


async def test_closing_ends_what_is_being_made_and_takes_nothing_more(tmp_path: Path) -> None:
    log = tmp_path / "log"
    attachments = Attachments(workers=1)
    asked = asyncio.create_task(attachments.content(order(fate="hangs", log=str(log))))
    while not makings(log):  # noqa: ASYNC110 - what is waited for happens in another process
        await asyncio.sleep(0.02)
    await attachments.close()
    with pytest.raises(NotMade):
        await asked
    with pytest.raises(NotMade):
        await attachments.content(order())
    (process,) = makings(log)
    assert _ends(process)


ORPHANING = """
import asyncio, os, signal
from bot.sending.attachments import MAKERS, Attachments
MAKERS["tiny"] = ("tiny_maker", "image/png")
async def main():
    await Attachments(workers=1).content({{"make": "tiny", "name": "a.png", "spec": {{"log": {log!r}}}}})
    os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    asyncio.run(main())
"""


def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    log, script = tmp_path / "log", tmp_path / "orphaning.py"
    script.write_text(ORPHANING.format(log=str(log)))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "tests")])}
    subprocess.run([sys.executable, script], env=environment, check=False, timeout=30)
    (worker,) = makings(log)
    assert _ends(worker)


def _ends(process: int) -> bool:
    for _ in range(250):
        if not psutil.pid_exists(process) or psutil.Process(process).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


# -- addresses -------------------------------------------------------------------------------------


def links(**settings: Any) -> FileLinks:
    defaults = {"public_url": "https://bot.example.ma", "secret_key": "k" * 32}
    return FileLinks(Settings(_env_file=None, **(defaults | settings)))


def token(url: str) -> str:
    return url.removeprefix("https://bot.example.ma/files/").partition("/")[0]


def test_an_address_names_a_message_for_a_day_and_is_the_same_in_every_process() -> None:
    url = links().url(7, "facture-2026-03.pdf", NOW)
    assert url.startswith("https://bot.example.ma/files/7.")
    assert url.endswith("/facture-2026-03.pdf")
    assert links().url(7, "facture-2026-03.pdf", NOW) == url
    assert links().message_id(token(url), NOW) == 7
    assert links().message_id(token(url), NOW + LIFETIME - timedelta(seconds=1)) == 7
    assert links().message_id(token(url), NOW + LIFETIME) is None


def forged() -> list[Any]:
    good = token(links().url(7, "a.png", NOW))
    message, end, signature = good.split(".")
    return [
        pytest.param("", id="nothing"),
        pytest.param("7", id="a number"),
        pytest.param(f"{message}.{end}.", id="no signature"),
        pytest.param(f"8.{end}.{signature}", id="another message"),
        pytest.param(f"{message}.{int(end) + 1}.{signature}", id="prolonged"),
        pytest.param(good[:-1], id="cut"),
        pytest.param(good + "é\ud800", id="no letters of ours"),
        pytest.param(token(links(secret_key="x" * 32).url(7, "a.png", NOW)), id="another key"),
    ]


@pytest.mark.parametrize("forgery", forged())
def test_no_address_can_be_made_up(forgery: str) -> None:
    assert links().message_id(forgery, NOW) is None


@pytest.mark.parametrize("secret", ["secret_key", "twilio_auth_token", "telegram_token"])
def test_addresses_are_signed_with_whatever_secret_an_installation_has(secret: str) -> None:
    given = {"secret_key": None, secret: "s" * 32}
    url = links(**given).url(7, "a.png", NOW)
    assert links(**given).message_id(token(url), NOW) == 7
    assert links(**given | {secret: "t" * 32}).message_id(token(url), NOW) is None


def test_an_address_from_before_the_key_was_changed_holds() -> None:
    url = links().url(7, "a.png", NOW)
    assert links(secret_key="x" * 32, secret_keys_old="k" * 32).message_id(token(url), NOW) == 7


# -- saying ----------------------------------------------------------------------------------------


def test_an_action_says_something_with_a_picture() -> None:
    dispatcher = CollectingDispatcher()
    say(dispatcher, "utter_x", attachment={"make": "tiny", "name": "facture-2026-03.png", "spec": {}}, amount=3)
    (message,) = dispatcher.messages
    assert message["attachment"] == {"make": "tiny", "name": "facture-2026-03.png", "spec": {}}
    assert message["amount"] == 3


@pytest.mark.parametrize("name", ["", "../a.png", "a/b.png", "a b.png", "é.png", 'a".png', "a\n.png", "x" * 65])
def test_a_name_that_an_address_or_a_header_would_not_carry_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        say(CollectingDispatcher(), "utter_x", attachment={"make": "tiny", "name": name, "spec": {}})


ROOM = 200
"""Characters left to what fills the placeholders of a caption."""


def captions(source: str) -> set[str]:
    """The responses that this code says with an attachment. Raises when one is not named where it is said."""
    found = set()
    for call in ast.walk(ast.parse(source)):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "say"):
            continue
        if any(keyword.arg == "attachment" for keyword in call.keywords):
            name = call.args[1]
            if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
                raise TypeError(f"line {call.lineno}: say what is said with an attachment by its name")
            found.add(name.value)
    return found


def test_captions_are_found_in_code() -> None:
    assert captions('say(d, "utter_a", attachment=a)\nsay(d, "utter_b")\nsay(d, "utter_c", n=1, attachment=b)') == {
        "utter_a",
        "utter_c",
    }
    with pytest.raises(TypeError, match="line 1"):
        captions("say(d, name, attachment=a)")


def test_every_caption_is_short_enough_for_telegram_and_whatsapp_in_every_language() -> None:
    names = {name for file in (PROJECT / "actions").glob("*.py") for name in captions(file.read_text())}
    responses = yaml.safe_load((PROJECT / "domain.yml").read_text(encoding="utf-8"))["responses"]
    texts = [(name, variation["text"]) for name in names for variation in responses[name]]
    for catalogue in (PROJECT / "locales").glob("*.po"):
        with catalogue.open("rb") as file:
            texts += [
                (f"{catalogue.stem} {each.context}", str(each.string))
                for each in read_po(file)
                if each.context and each.context.partition(".")[0] in names
            ]
    assert [name for name, text in texts if units(text) > CAPTION_LIMIT - ROOM] == []
