"""An agent's whole day in real browsers, with customers on the emulated phones of real carriers.

Once in French on WhatsApp and once in Arabic, right to left, by SMS; on each engine. With `RELEVE_PICTURES` naming a
folder, pictures of the pages go there.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from browser import open_browser
from desk_house import AMINA, YOUSSEF, DeskHouse, Window, open_desk_house
from house import Phone
from playwright.async_api import Locator, Page, expect

from store.desk_models import Outcome
from store.models import Holder

CUSTOMER, NAME, CONTRACT = "+212600000005", "Naïma Bousserjem", "10000005"
LIVE_MS = 10_000
"""Within this, without a reload, a page shows what happened elsewhere."""


@dataclass(frozen=True, slots=True)
class Day:
    """In which language the desk and the customer are, and what is said."""

    language: str
    channel: str
    wants_time: str
    wants_a_person: str
    greeting: str
    thanks: str
    note: str
    hello: str
    assistant_is_back: str
    """A word of the assistant's answer to `hello`."""


FRENCH = Day(
    language="fr",
    channel="whatsapp",
    wants_time="je ne peux pas payer maintenant, je demande un délai de 10 jours",
    wants_a_person="je veux parler à un conseiller",
    greeting="Bonjour Mme Bousserjem, c’est Amina. Je regarde votre demande.",
    thanks="merci, c'est urgent pour moi",
    note="Elle a deux factures en retard, voir D-…",
    hello="bonjour",
    assistant_is_back="ONEE",
)
ARABIC = Day(
    language="ar",
    channel="sms",
    wants_time="لا أستطيع الأداء الآن، أطلب مهلة 10 أيام",
    wants_a_person="أريد التحدث مع موظف",
    greeting="السلام عليكم، معكم أمينة. أنظر في طلبكم.",
    thanks="شكرا، الأمر مستعجل",
    note="لديها فاتورتان متأخرتان",
    hello="السلام عليكم",
    assistant_is_back="ONEE",
)


@pytest_asyncio.fixture
async def desk(model: Path, assistant: object, database_url: str) -> AsyncIterator[DeskHouse]:
    async with open_browser() as browser, open_desk_house(model, database_url, browser, assistant) as house:
        yield house


@pytest.mark.parametrize("day", [FRENCH, ARABIC], ids=lambda day: day.language)
async def test_an_agents_day(desk: DeskHouse, day: Day) -> None:
    phone = desk.phone(day.channel, CUSTOMER)
    amina = await desk.signs_in(AMINA)
    if day.language != "fr":
        await switches_language(amina)
    await expect(amina.locator("html")).to_have_attribute("dir", "rtl" if day.language == "ar" else "ltr")
    youssef = await desk.enters(YOUSSEF, Window(day.language))
    await youssef.goto("/desk/queue?state=mine")

    reference = await asks_for_time(phone, day)
    await phone.says(day.wants_a_person)
    row = amina.locator(".row", has_text=NAME)
    await expect(row).to_be_visible(timeout=LIVE_MS)  # the queue was open and nobody reloaded it
    await expect(amina).to_have_title(re.compile(r"^\(5\)"))
    await picture(amina, day, "queue")

    await row.locator(".claim").click()
    await amina.wait_for_url("**/desk/conversations/*")
    context = amina.locator("#context")
    await expect(context).to_contain_text(CONTRACT)
    await expect(context).to_contain_text(reference)
    await expect(transcript(amina)).to_contain_text(day.wants_time)

    await replies(amina, day.greeting)
    assert await phone.reply() == day.greeting
    await expect(transcript(amina).locator(".message.agent")).to_contain_text(day.greeting)
    await phone.does(text=day.thanks)
    await expect(transcript(amina).locator(".message.in").last).to_contain_text(day.thanks, timeout=LIVE_MS)
    assert await phone.reply(wait=1) == ""  # the assistant is silent
    await picture(amina, day, "conversation")

    await amina.locator(".note-writing summary").click()
    await amina.locator("#note-text").fill(day.note)
    await amina.locator("#note-form button").click()
    await expect(transcript(amina).locator(".message.note")).to_contain_text(day.note)

    await amina.locator("details:has(#transfer-to) summary").click()
    await amina.locator("#transfer-to").select_option(label="Youssef Bouqalam")
    await amina.locator("form:has(#transfer-to) .primary").click()
    await expect(youssef.locator(".row", has_text=NAME)).to_be_visible(timeout=LIVE_MS)
    await youssef.locator(".row", has_text=NAME).locator("a.cover").click()
    await expect(transcript(youssef)).to_contain_text(day.note)
    await replies(youssef, "Youssef")
    assert await phone.reply() == "Youssef"
    await amina.goto(youssef.url)
    await amina.locator("form[action$='/transfer']:has([name=to][type=hidden]) button").click()  # takes it back
    await expect(amina.locator("#standing .badge.good")).to_be_visible()

    await amina.goto("/desk/decisions")
    await amina.locator("a", has_text=reference).first.click()
    await picture(amina, day, "decision")
    await amina.locator("#grant .toolbar .primary").click()
    await expect(amina.locator("#grant")).to_have_count(0)
    assert await phone.reply(wait=2) == ""  # while people have the conversation the news waits

    await amina.goto(youssef.url)
    await amina.locator("form[action$='/release'] button").click()
    await expect(amina.locator("form[action$='/reopen']")).to_be_visible()
    assert await phone.reply() != ""  # the assistant says that it answers again
    assert reference in await phone.reply()  # and the customer is told what was decided
    assert day.assistant_is_back in await phone.says(day.hello)

    await phone.says(day.wants_a_person)
    await amina.goto("/desk/queue")
    await amina.locator(".row", has_text=NAME).locator(".claim").click()
    await amina.locator("details:has(#close-form) summary").click()
    await amina.locator("#close-form [value=solved]").check()
    await amina.locator("#close-form .primary").click()
    await expect(amina.locator("form[action$='/reopen']")).to_be_visible()
    assert re.search("[15]", await phone.reply())  # how was it, from 1 to 5?
    assert await phone.says("5") != ""

    conversation = await desk.conversation_of(day.channel, CUSTOMER)
    assert conversation.holder is Holder.ASSISTANT
    first, second = await desk.hand_overs_of(conversation.id)
    assert (first.outcome, first.score) == (Outcome.RELEASED, None)
    assert (second.outcome, second.score) == (Outcome.SOLVED, 5)
    await amina.goto("/desk/queue?state=closed")
    await expect(amina.locator(".row", has_text=NAME).first).to_be_visible()
    assert desk.troubles == []


async def asks_for_time(phone: Phone, day: Day) -> str:
    """The customer asks the assistant for a deferral; its reference."""
    await phone.says(day.wants_time)
    for _ in range(3):  # both bills, no reason, yes
        received = await phone.says("1")
    found = re.search(r"D-\d{10}", received)
    assert found, received
    return found[0]


async def switches_language(page: Page) -> None:
    await page.locator("header .menu summary").click()
    await page.locator("form[action='/desk/language'] button").click()
    await expect(page.locator("html")).to_have_attribute("lang", "ar")


async def replies(page: Page, text: str) -> None:
    await page.wait_for_load_state()  # the keys are the script's
    await page.locator("#body").fill(text)
    await page.locator("#body").press("Control+Enter")
    await expect(page.locator("#body")).to_have_value("")


def transcript(page: Page) -> Locator:
    return page.locator("#transcript")


async def picture(page: Page, day: Day, name: str) -> None:
    if folder := os.environ.get("RELEVE_PICTURES"):
        await page.screenshot(path=f"{folder}/{name}-{day.language}.png", caret="initial")
