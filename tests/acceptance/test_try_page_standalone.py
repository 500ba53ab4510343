"""The try-it page in a real browser, on the emulators, before a house that only echoes."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from browser import open_browser
from playwright.async_api import Browser, Locator, Page, expect
from serving import serving
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    Update,
)
from telegram.request import HTTPXRequest
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList

from bot.tryit import EmulatorConfig, demo_customers, tryit_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

SID = "AC" + "2" * 32
AUTH_TOKEN = "auth-token-of-the-page-test"
BOT_TOKEN = "1000000002:page-test"
SECRET = "secret-of-the-page-test"
OUR_SMS = "+212500000000"
OUR_WHATSAPP = "+212500000001"

MENU = ("Oui, c’est exact", "Non", "توقف")
"""Titles of the buttons that the house answers to `menu`."""

PHONE_WIDTH = 390


class RedirectedTwilio(AsyncTwilioHttpClient):
    """The SDK's client, sending to the emulator what is meant for Twilio."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base

    async def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        for host in ("https://api.twilio.com", "https://content.twilio.com"):
            url = url.replace(host, self._base)
        if (kwargs.get("headers") or {}).get("Content-Type") == "application/json":
            kwargs["data"] = json.dumps(kwargs["data"])  # the SDK's async client would send a form
        return await super().request(method, url, *args, **kwargs)


class EchoHouse:
    """Answers every message with itself, and `menu` with buttons, through the carriers' real SDKs."""

    def __init__(self) -> None:
        self.app = Starlette(
            routes=[
                Route("/webhooks/twilio", self._twilio_webhook, methods=["POST"]),
                Route("/webhooks/twilio/status", self._twilio_status, methods=["POST"]),
                Route("/webhooks/telegram", self._telegram_webhook, methods=["POST"]),
            ]
        )
        self.base = ""
        self.silent = False
        """Answer webhooks with 503."""
        self.seen: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def connect(self, base: str, tryit: str) -> None:
        self.base = base
        self._http = RedirectedTwilio(f"{tryit}/carriers/twilio")
        self._twilio = Client(SID, AUTH_TOKEN, http_client=self._http)
        self._bot = Bot(
            BOT_TOKEN, base_url=f"{tryit}/carriers/telegram/bot", request=HTTPXRequest(connection_pool_size=4)
        )

    async def disconnect(self) -> None:
        await asyncio.gather(*self._tasks)
        await self._http.close()
        await self._bot.shutdown()

    async def _twilio_webhook(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        signature = request.headers["X-Twilio-Signature"]
        if not RequestValidator(AUTH_TOKEN).validate(f"{self.base}/webhooks/twilio", form, signature):
            return Response(status_code=403)
        if self.silent:
            return Response(status_code=503)
        seen = form.get("ButtonPayload") or form["Body"] or form["MediaContentType0"]
        self._later(self._answer_twilio(form["From"], form["To"], seen))
        return Response(status_code=204)

    async def _twilio_status(self, _request: Request) -> Response:
        return Response(status_code=204)

    async def _telegram_webhook(self, request: Request) -> Response:
        if request.headers["X-Telegram-Bot-Api-Secret-Token"] != SECRET:
            return Response(status_code=403)
        self._later(self._answer_telegram(Update.de_json(await request.json(), self._bot)))
        return Response()

    async def _answer_twilio(self, to: str, sender: str, seen: str) -> None:
        self.seen.append(seen)
        if seen == "menu" and to.startswith("whatsapp:"):
            what = {"content_sid": await self._menu_template()}
        else:
            what = {"body": f"Reçu : {seen}", "status_callback": f"{self.base}/webhooks/twilio/status"}
        await self._twilio.messages.create_async(to=to, from_=sender, **what)

    async def _menu_template(self) -> str:
        actions = [{"type": "QUICK_REPLY", "title": title, "id": f"choice {n}"} for n, title in enumerate(MENU)]
        content = await self._twilio.content.v1.contents.create_async(
            ContentList.ContentCreateRequest(
                {
                    "friendly_name": "menu",
                    "language": "fr",
                    "types": {"twilio/quick-reply": {"body": "Votre index est 48213 ?", "actions": actions}},
                }
            )
        )
        return str(content.sid)

    async def _answer_telegram(self, update: Update) -> None:
        if query := update.callback_query:
            self.seen.append(str(query.data))
            await query.answer("C’est noté")
            await query.edit_message_text(f"Reçu : {query.data}")
            return
        message = update.effective_message
        if message.contact:
            seen = f"contact {message.contact.phone_number}"
        elif message.sticker:
            seen = "sticker"
        elif message.location:
            seen = "location"
        else:
            seen = message.text or "photo"
        self.seen.append(seen)
        markup: InlineKeyboardMarkup | ReplyKeyboardMarkup | None = None
        if seen == "menu":
            row = [InlineKeyboardButton(title, callback_data=f"choice {n}") for n, title in enumerate(MENU)]
            markup = InlineKeyboardMarkup([row])
        elif seen == "qui suis-je":
            markup = ReplyKeyboardMarkup([[KeyboardButton("Partager mon numéro", request_contact=True)]])
        await self._bot.send_message(message.chat_id, f"Reçu : {seen}", reply_markup=markup)

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def echo_stage() -> AsyncIterator[tuple[str, EchoHouse]]:
    """The page before the echo house; gives the page's address, mounted at `/try` as in the demonstration."""
    async with AsyncExitStack() as stack:
        house = EchoHouse()
        house_base = await stack.enter_async_context(serving(house.app))
        outer = Starlette()
        base = await stack.enter_async_context(serving(outer))
        app = tryit_app(
            EmulatorConfig(
                webhook_base=house_base,
                own_base=f"{base}/try",
                twilio_account_sid=SID,
                twilio_auth_token=AUTH_TOKEN,
                sms_from=OUR_SMS,
                whatsapp_from=OUR_WHATSAPP,
                telegram_token=BOT_TOKEN,
                telegram_secret=SECRET,
                receipt_pause=0.05,
                retries=0,
            ),
            demo_customers(),
        )
        outer.mount("/try", app)
        stack.push_async_callback(app.state.emulators.aclose)
        house.connect(house_base, f"{base}/try")
        stack.push_async_callback(house.disconnect)
        yield f"{base}/try/", house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def stage() -> AsyncIterator[tuple[str, EchoHouse]]:
    async with echo_stage() as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, stage: tuple[str, EchoHouse]) -> AsyncIterator[Page]:
    """The page, opened and listening. The test fails when the browser reports an error of any kind."""
    async with opened(browser, stage[0]) as page:
        yield page


@asynccontextmanager
async def opened(browser: Browser, address: str, **options: Any) -> AsyncIterator[Page]:
    context = await browser.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
    page = await context.new_page()
    problems: list[str] = []
    origin = re.match(r"https?://[^/]+", address)
    assert origin

    def note_request(url: str) -> None:
        if not url.startswith(origin[0]):
            problems.append(f"request to {url}")

    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: note_request(request.url))
    await page.goto(address)
    await expect(page.locator("body")).to_have_attribute("data-ready", "true")
    yield page
    await context.close()
    assert problems == []


def phone(page: Page, channel: str) -> Locator:
    return page.locator(f"#{channel}")


async def write(page: Page, channel: str, text: str) -> None:
    await phone(page, channel).get_by_role("textbox").fill(text)
    await phone(page, channel).get_by_role("textbox").press("Enter")


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "telegram"])
async def test_a_typed_message_is_delivered_and_the_answer_shown(page: Page, channel: str) -> None:
    await write(page, channel, "Mon index est 48213")
    await expect(phone(page, channel).locator(".mine .bubble > p").first).to_have_text("Mon index est 48213")
    await expect(phone(page, channel).locator(".theirs .bubble > p").first).to_have_text("Reçu : Mon index est 48213")
    await expect(phone(page, channel).locator(".mine .state")).to_have_class(re.compile("delivered"))


async def test_an_sms_shows_its_parts_and_how_far_it_came(page: Page) -> None:
    await write(page, "sms", "x" * 200)
    answer = phone(page, "sms").locator(".theirs")
    await expect(answer.locator(".parts")).to_have_text("4 SMS · UCS-2")  # for the ç of "Reçu"
    await expect(answer.locator(".state")).to_have_class(re.compile("delivered"))


async def test_arabic_is_laid_out_from_right_to_left(page: Page) -> None:
    await write(page, "whatsapp", "قراءة العداد ٤٨٢١٣")
    bubble = phone(page, "whatsapp").locator(".mine .bubble > p").first
    await expect(bubble).to_have_attribute("dir", "auto")
    await expect(bubble).to_have_css("direction", "rtl")


async def test_markup_in_a_message_is_only_text(page: Page) -> None:
    text = "<img src=x onerror=alert(1)> & <b>48213</b>"
    await write(page, "sms", text)
    await expect(phone(page, "sms").locator(".theirs .bubble > p").first).to_have_text(f"Reçu : {text}")
    assert await phone(page, "sms").locator(".screen img, .screen b").count() == 0


async def test_a_tap_on_a_whatsapp_button_sends_its_token(page: Page, stage: tuple[str, EchoHouse]) -> None:
    await write(page, "whatsapp", "menu")
    await phone(page, "whatsapp").get_by_role("button", name=MENU[0]).click()
    await expect(phone(page, "whatsapp").locator(".theirs").nth(1)).to_contain_text("Reçu : choice 0")
    await expect(phone(page, "whatsapp").locator(".mine").nth(1)).to_contain_text(MENU[0])
    assert stage[1].seen == ["menu", "choice 0"]


async def test_a_tap_on_a_telegram_button_edits_the_message_and_shows_the_notice(page: Page) -> None:
    await write(page, "telegram", "menu")
    await phone(page, "telegram").get_by_role("button", name="توقف").click()
    await expect(phone(page, "telegram").get_by_role("status")).to_have_text("C’est noté")
    await expect(phone(page, "telegram").locator(".theirs .bubble > p").first).to_have_text("Reçu : choice 2")
    await expect(phone(page, "telegram").locator(".choices")).to_have_count(0)


async def test_telegram_gives_the_number_only_when_it_is_shared(page: Page, stage: tuple[str, EchoHouse]) -> None:
    await write(page, "telegram", "qui suis-je")
    await phone(page, "telegram").locator(".keyboard").get_by_role("button").click()
    await expect(phone(page, "telegram").locator(".theirs").nth(1)).to_contain_text("contact 212600000001")
    await phone(page, "telegram").get_by_role("button", name="Partager votre numéro").click()
    await expect(phone(page, "telegram").locator(".theirs")).to_have_count(3)
    assert stage[1].seen == ["qui suis-je", "contact 212600000001", "contact 212600000001"]


@pytest.mark.parametrize(
    ("button", "seen"),
    [
        ("Envoyer un autocollant", "sticker"),
        ("Envoyer la photo d’un compteur", "photo"),
        ("Envoyer votre position", "location"),
    ],
)
async def test_what_is_not_text_can_be_sent(page: Page, stage: tuple[str, EchoHouse], button: str, seen: str) -> None:
    await phone(page, "telegram").get_by_role("button", name=button).click()
    await expect(phone(page, "telegram").locator(".theirs")).to_contain_text(f"Reçu : {seen}")


async def test_an_example_is_sent_from_the_phone_last_used(page: Page, stage: tuple[str, EchoHouse]) -> None:
    await phone(page, "telegram").get_by_role("textbox").focus()
    await page.get_by_role("button", name="Bonjour").click()
    await expect(phone(page, "telegram").locator(".theirs")).to_contain_text("Reçu : Bonjour")


async def test_each_customer_has_a_screen_of_their_own(page: Page) -> None:
    await write(page, "sms", "premier")
    await expect(phone(page, "sms").locator(".theirs")).to_have_count(1)
    await phone(page, "sms").get_by_role("combobox").select_option("+212600000002")
    await expect(phone(page, "sms").locator("li")).to_have_count(0)
    await phone(page, "sms").get_by_role("combobox").select_option("+212600000001")
    await expect(phone(page, "sms").locator(".theirs")).to_have_count(1)


async def test_the_screens_survive_a_reload(page: Page) -> None:
    await write(page, "whatsapp", "encore là")
    await expect(phone(page, "whatsapp").locator(".theirs")).to_have_count(1)
    await page.reload()
    await expect(phone(page, "whatsapp").locator("li")).to_have_count(2)


async def test_a_house_that_refuses_leaves_the_message_undelivered(page: Page, stage: tuple[str, EchoHouse]) -> None:
    stage[1].silent = True
    await write(page, "sms", "allô ?")
    await expect(phone(page, "sms").locator(".mine .state")).to_have_text("non remis (503)")


@pytest.mark.parametrize(("language", "direction"), [("fr", "ltr"), ("ar", "rtl"), ("en", "ltr")])
async def test_the_page_speaks_three_languages(
    browser: Browser, stage: tuple[str, EchoHouse], language: str, direction: str
) -> None:
    async with opened(browser, f"{stage[0]}?lang={language}") as page:
        await expect(page.locator("html")).to_have_attribute("lang", language)
        await expect(page.locator("html")).to_have_attribute("dir", direction)


async def test_on_a_narrow_screen_the_keyboard_moves_between_the_phones(
    browser: Browser, stage: tuple[str, EchoHouse]
) -> None:
    async with opened(browser, stage[0], viewport={"width": PHONE_WIDTH, "height": 844}) as page:
        await expect(phone(page, "sms")).to_be_visible()
        await expect(phone(page, "whatsapp")).to_be_hidden()
        await page.get_by_role("tab", name="SMS").focus()
        await page.keyboard.press("ArrowRight")
        await expect(phone(page, "whatsapp")).to_be_visible()
        await expect(phone(page, "sms")).to_be_hidden()
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width == PHONE_WIDTH


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_texts_stand_out_from_their_background(
    browser: Browser, stage: tuple[str, EchoHouse], scheme: str
) -> None:
    """WCAG AA: 4.5 to 1 for texts, against the nearest background that is one colour."""
    async with opened(browser, stage[0], color_scheme=scheme) as page:
        for channel in ("sms", "whatsapp", "telegram"):
            await write(page, channel, "menu")
            await expect(phone(page, channel).locator(".theirs")).to_have_count(1)
        assert await page.evaluate(FAINT_TEXTS) == []


FAINT_TEXTS = r"""() => {
  const parse = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map((v) => linear(v / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const backgrounds = (element) => {
    for (let node = element; node; node = node.parentElement) {
      const style = getComputedStyle(node);
      if (style.backgroundImage.includes("gradient")) return style.backgroundImage.match(/rgb\([^)]*\)/g).map(parse);
      const color = parse(style.backgroundColor);
      if (color.length === 3 || color[3] === 1) return [color];
    }
    return [[255, 255, 255]];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const element = text.parentElement;
    if (!text.data.trim() || !element.checkVisibility() || element.closest("option, title")) continue;
    const ink = luminance(parse(getComputedStyle(element).color));
    for (const color of backgrounds(element)) {
      const paper = luminance(color);
      const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
      if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${text.data.trim().slice(0, 40)}`);
    }
  }
  return faint;
}"""
