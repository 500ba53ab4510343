"""What customers, colleagues and carriers do wrong, as an agent sees it in a real browser."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest_asyncio
from browser import open_browser
from desk_house import AMINA, NARROW, WIDE, YOUSSEF, DeskHouse, open_desk_house
from playwright.async_api import Page, expect
from sqlalchemy import select

from store.models import Contract, Customer

CUSTOMER, NAME, CONTRACT = "+212600000001", "Amina El Fanouss", "10000001"
PERSON = "je veux parler à un conseiller"
SCRIPT = "<script>window.harmed = 1</script><img src=x onerror='window.harmed = 1'>"
OVERRIDE = "\u202e"  # what follows is written from right to left
LIVE_MS = 10_000


@pytest_asyncio.fixture
async def desk(model: Path, assistant: object, tmp_path: Path) -> AsyncIterator[DeskHouse]:
    database_url = f"sqlite+aiosqlite:///{tmp_path / 'house.db'}"
    async with open_browser() as browser, open_desk_house(model, database_url, browser, assistant) as house:
        yield house


async def asks_for_a_person(desk: DeskHouse, *texts: str, channel: str = "whatsapp") -> str:
    """The customer asks for a person and writes more; the path of the conversation's page."""
    phone = desk.phone(channel, CUSTOMER)
    await phone.says(PERSON)
    for text in texts:
        await phone.does(text=text)
    conversation = await desk.conversation_of(channel, CUSTOMER)
    return f"/desk/conversations/{conversation.id}"


async def is_unharmed(page: Page) -> None:
    """No script of a customer's has run, and nothing sticks out at either width."""
    assert await page.evaluate("window.harmed") is None
    for width, height in (WIDE, NARROW):
        await page.set_viewport_size({"width": width, "height": height})
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (page.url, width)
    await page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})


async def test_script_in_a_name_and_in_a_text_is_only_shown(desk: DeskHouse) -> None:
    async with desk.house.service.database.writing() as session:
        query = select(Customer).join(Contract).where(Contract.number == CONTRACT)
        (await session.scalars(query)).one().name = f"{SCRIPT}{OVERRIDE}{NAME}"
    path = await asks_for_a_person(desk, SCRIPT)
    page = await desk.enters(AMINA)
    await expect(page.locator(".row", has_text=SCRIPT).first).to_be_visible()
    await is_unharmed(page)
    await page.goto(path)
    await expect(page.locator("h1")).to_contain_text(SCRIPT)
    await expect(page.locator(".message.in").last).to_contain_text(SCRIPT)
    await expect(page.locator("#context")).to_contain_text(SCRIPT)
    await is_unharmed(page)
    assert desk.troubles == []


async def test_a_note_and_a_reply_of_script_are_only_shown(desk: DeskHouse) -> None:
    path = await asks_for_a_person(desk)
    page = await desk.enters(AMINA)
    await page.goto(path)
    await page.locator("#body").fill(SCRIPT)
    await page.locator("#body").press("Control+Enter")
    await expect(page.locator(".message.agent").last).to_contain_text(SCRIPT)
    assert await desk.phone("whatsapp", CUSTOMER).reply() != ""
    await page.locator(".note-writing summary").click()
    await page.locator("#note-text").fill(SCRIPT)
    await page.locator("#note-form button").click()
    await expect(page.locator(".message.note").last).to_contain_text(SCRIPT)
    await is_unharmed(page)
    assert desk.troubles == []


async def test_five_thousand_characters_are_folded_and_one_word_breaks(desk: DeskHouse) -> None:
    path = await asks_for_a_person(desk, "mot " * 1250, "x" * 5000)
    page = await desk.enters(AMINA)
    await is_unharmed(page)
    await page.goto(path)
    folded = page.locator(".message.in .unfold").last
    await expect(folded).to_be_visible()
    await is_unharmed(page)
    await folded.locator("summary").click()
    await is_unharmed(page)


async def test_a_right_to_left_override_turns_nothing_but_its_own_text(desk: DeskHouse) -> None:
    path = await asks_for_a_person(desk, f"{OVERRIDE}abc def")
    page = await desk.enters(AMINA)
    await page.goto(path)
    message = page.locator(".message.in").last
    await expect(message).to_contain_text("abc def")
    # The label beside it still reads from left to right: its first letter stands before its last one.
    about = message.locator(".about b")
    assert await about.evaluate("""each => {
        const edge = (at) => {
            const range = document.createRange();
            range.setStart(each.lastChild, at);
            range.setEnd(each.lastChild, at + 1);
            return range.getBoundingClientRect().left;
        };
        return edge(0) < edge(each.lastChild.length - 1);
    }""")
    await is_unharmed(page)


async def test_of_two_who_claim_at_once_one_has_it_and_the_other_reads_who(desk: DeskHouse) -> None:
    path = await asks_for_a_person(desk)
    pages = [await desk.enters(AMINA), await desk.enters(YOUSSEF)]
    await asyncio.gather(*(page.goto(path) for page in pages))
    await asyncio.gather(*(page.locator("form[action$='/claim'] button").click() for page in pages))
    for page in pages:
        await page.wait_for_load_state()
    [hand_over] = await desk.hand_overs_of(int(path.rpartition("/")[2]))
    assert hand_over.user_id is not None
    won = [await page.locator("#standing .badge.good").count() for page in pages]
    assert sorted(won) == [0, 1]
    winner, loser = (AMINA, pages[1]) if won[0] else (YOUSSEF, pages[0])
    name = {AMINA: "Amina El Misbah", YOUSSEF: "Youssef Bouqalam"}[winner]
    await expect(loser.locator("main .flash").first).to_contain_text(name)
    await expect(loser.locator("#standing")).to_contain_text(name)


async def test_why_a_carrier_refused_a_message_is_shown_to_who_wrote_it(desk: DeskHouse) -> None:
    path = await asks_for_a_person(desk)
    await desk.phone("whatsapp", CUSTOMER).does(event="close_window")  # which only the carrier knows
    page = await desk.enters(AMINA)
    await page.goto(path)
    await page.locator("#body").fill("Bonjour")
    await page.locator("#body").press("Control+Enter")
    refusal = page.locator(".message.agent").last.locator(".refusal")
    await expect(refusal).to_contain_text("63016", timeout=LIVE_MS)
    await expect(refusal).to_contain_text(re.compile("24"))


async def test_what_was_typed_is_there_when_the_page_is_opened_again(desk: DeskHouse) -> None:
    path = await asks_for_a_person(desk)
    page = await desk.enters(AMINA)
    await page.goto(path)
    async with page.expect_response(lambda answer: answer.url.endswith("/draft")):
        await page.locator("#body").press_sequentially("Je regarde votre dossier")
    await page.goto(path)
    await expect(page.locator("#body")).to_have_value("Je regarde votre dossier")


async def test_a_page_left_open_after_signing_out_leads_to_the_entrance(desk: DeskHouse) -> None:
    path = await asks_for_a_person(desk)
    page = await desk.enters(AMINA)
    await page.goto(path)
    await page.context.clear_cookies()
    await page.locator("#body").fill("Bonjour")  # the draft cannot be kept any more, and the page says so at once
    await page.wait_for_url(f"**/desk/login?next={quote(path, safe='')}")
