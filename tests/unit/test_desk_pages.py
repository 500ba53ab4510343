"""What surrounds the desk's pages: values as people write them, words in two languages, headers, errors, messages."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from babel.messages import Catalog
from fastapi import FastAPI, HTTPException, Request
from markupsafe import Markup

from bot.desk import shown, wording
from bot.desk.access import Actor
from bot.desk.errors import answer_errors
from bot.desk.headers import DeskHeaders
from bot.desk.pages import Pages, language_of, redirect
from bot.desk.static_files import FOR_EVER, PATH, DeskFiles, asset
from bot.desk.wording import N_, filled, translate, translate_number
from store.desk_models import Role

NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)  # by the clock of Casablanca


def actor(**values: Any) -> Actor:
    given = {
        "user_id": 1,
        "session_id": 1,
        "name": "Amina <b>",
        "email": "amina@desk.test",
        "role": Role.AGENT,
        "language": "fr",
        "speaks": ("fr",),
        "team_ids": frozenset(),
        "csrf": "the-token",
    } | values
    return Actor(**given)


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request(
        {"type": "http", "method": "GET", "path": "/desk/queue", "query_string": b"", "headers": raw, "state": {}}
    )


# --- values -------------------------------------------------------------------------------------------------

WRITTEN = [
    ("money", Decimal("1234.5"), "1\u202f234,50\u00a0DH", "1.234,50\u00a0درهم"),
    ("number", 12345, "12\u202f345", "12.345"),
    ("day", date(2026, 3, 1), "01/03/2026", "01/03/2026"),
    ("day", datetime(2026, 4, 1, 23, 30, tzinfo=UTC), "02/04/2026", "02/04/2026"),
    ("moment", NOON, "23/11/2026 12:00", "23/11/2026 12:00"),
    ("clock", NOON, "12:00", "12:00"),
    ("clock", time(8, 30), "08:30", "08:30"),
    ("waited", timedelta(seconds=-5), "< 1 min", "< 1 د"),
    ("waited", timedelta(seconds=59), "< 1 min", "< 1 د"),
    ("waited", timedelta(minutes=59), "59 min", "59 د"),
    ("waited", timedelta(hours=2), "2 h", "2 س"),
    ("waited", timedelta(hours=2, minutes=5), "2 h 5 min", "2 س 5 د"),
    ("waited", timedelta(days=3, hours=4), "3 j 4 h", "3 أيام 4 س"),
    ("waited", NOON - timedelta(minutes=12), "12 min", "12 د"),
    ("left", NOON + timedelta(minutes=12), "12 min", "12 د"),
    ("left", NOON - timedelta(minutes=12), "< 1 min", "< 1 د"),
    ("bytes", 999, "999 o", "999 بايت"),
    ("bytes", 12_345, "12 ko", "12 كيلوبايت"),
    ("bytes", 1_400_000, "1,4 Mo", "1,4 م.ب"),
]


@pytest.mark.parametrize(("name", "value", "french", "arabic"), WRITTEN)
def test_a_value_is_written_as_the_reader_writes_it(name: str, value: Any, french: str, arabic: str) -> None:
    for language, expected in (("fr", french), ("ar", arabic)):
        written = shown.filters(language, lambda: NOON)[name](value)
        assert _plain_spaces(written) == _plain_spaces(expected)


def _plain_spaces(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("+212612345678", "+2126••••678"),
        ("123456", "••••456"),
        ("12", "••••12"),
        ("MA.1502576394655843", "MA.15••••843"),
    ],
)
def test_an_address_is_shown_only_so_far_as_to_tell_customers_apart(address: str, expected: str) -> None:
    assert shown.masked(address) == expected


# --- words --------------------------------------------------------------------------------------------------


def test_none_is_singular_in_french() -> None:
    forms = [translate_number("fr", "%(num)s message", "%(num)s messages", number) for number in (0, 1, 2)]
    assert forms == ["0 message", "1 message", "2 messages"]


FILLED = [
    ("Bonjour %(name)s", {"name": "A"}, "Bonjour A"),
    ("50 % de %(total)s", {"total": 12}, "50 % de 12"),
    ("%(missing)s reste", {}, "%(missing)s reste"),
    ("%(name)s", {"name": "%(other)s", "other": "x"}, "%(other)s"),
    ("a < %(link)s", {"link": Markup("<a>b</a>")}, "a &lt; <a>b</a>"),
]


@pytest.mark.parametrize(("text", "values", "expected"), FILLED)
def test_places_are_filled(text: str, values: dict[str, Any], expected: str) -> None:
    assert filled(text, values) == expected


def test_a_text_without_translation_stays_french() -> None:
    assert translate("ar", "Un texte que personne n’a traduit") == "Un texte que personne n’a traduit"
    assert translate("ar", "File d’attente") == "قائمة الانتظار"


def test_the_arabic_of_the_desk_is_complete() -> None:
    """`python -m bot.desk.wording` says what is missing."""
    assert list(wording.lacks(wording.extract())) == []


def test_updating_keeps_translations_drops_what_is_gone_and_writes_the_same_bytes(tmp_path: Any) -> None:
    first = Catalog()
    first.add("Oui")
    first.add("Non")
    first.add(("%(num)s jour", "%(num)s jours"))
    path = tmp_path / "ar.po"
    assert wording.update(first, tmp_path) == [path]
    path.write_text(path.read_text().replace('msgid "Oui"\nmsgstr ""', 'msgid "Oui"\nmsgstr "نعم"'))
    second = Catalog()
    second.add("Oui")
    second.add("Peut-être")
    wording.update(second, tmp_path)
    assert 'msgstr "نعم"' in path.read_text()
    assert "Non" not in path.read_text()
    assert wording.update(second, tmp_path) == []
    assert list(wording.lacks(second, tmp_path)) == ["ar: not translated: Peut-être"]


def test_a_translation_must_have_the_same_places(tmp_path: Any) -> None:
    template = Catalog()
    template.add("Bonjour %(name)s")
    wording.update(template, tmp_path)
    path = tmp_path / "ar.po"
    path.write_text(path.read_text().replace('msgstr ""\n', 'msgstr "مرحبا"\n').replace("مرحبا", "", 1))
    assert list(wording.lacks(template, tmp_path)) == ["ar: other places than in French: Bonjour %(name)s"]


# --- pages --------------------------------------------------------------------------------------------------


def test_a_page_is_in_the_persons_language_and_names_are_harmless() -> None:
    page = Pages().page(request(), actor(language="ar"), "errors.html", title=N_("Page introuvable"), advice="")
    text = bytes(page.body).decode()
    assert '<html lang="ar" dir="rtl">' in text
    assert "الصفحة غير موجودة" in text
    assert '<bdi dir="auto">Amina &lt;b&gt;</bdi>' in text


@pytest.mark.parametrize(
    ("headers", "language"),
    [({"accept_language": "ar-MA,fr;q=0.5"}, "ar"), ({"accept_language": "de, fr"}, "fr"), ({}, "fr")],
)
def test_before_signing_in_the_browser_says_the_language(headers: dict[str, str], language: str) -> None:
    assert language_of(request(**headers), None) == language


@pytest.mark.parametrize(
    ("role", "places"),
    [
        (Role.AGENT, ["queue", "decisions", "search"]),
        (Role.SUPERVISOR, ["queue", "decisions", "supervision", "search"]),
        (Role.ADMINISTRATOR, ["people"]),
    ],
)
def test_the_bar_leads_where_the_person_may_go(role: Role, places: list[str]) -> None:
    page = Pages().part(request(), actor(role=role), "errors.html", title="", advice="")
    assert [place for place in ("queue", "decisions", "supervision", "search", "people") if f'href="/desk/{place}"' in page] == places  # fmt: skip  # noqa: E501


async def test_what_a_change_has_to_say_is_shown_on_the_next_page_once() -> None:
    app, pages = FastAPI(), Pages()

    @app.get("/desk/change")
    async def change() -> Any:
        return redirect("/desk/after", N_("Fermer"), "warn", name="<b>")

    @app.get("/desk/after")
    async def after(request: Request) -> Any:
        return pages.page(request, actor(language="ar"), "errors.html", title="", advice="")

    async with _browser(app) as browser:
        first, second = [await browser.get(path, follow_redirects=True) for path in ("/desk/change", "/desk/after")]
    assert 'class="flash warn"' in first.text
    assert "إغلاق" in first.text
    assert 'class="flash' not in second.text


@pytest.mark.parametrize("cookie", ["x", "WyJhIl0=", "bnVsbA==", "e30=", "WyJhIiwgMSwgM10="])
def test_a_message_that_we_did_not_write_is_left_out(cookie: str) -> None:
    page = Pages().page(request(cookie=f"releve_desk_flash={cookie}"), actor(), "errors.html", title="", advice="")
    assert page.status_code == 200


# --- headers and errors -------------------------------------------------------------------------------------


@pytest.fixture
def browser() -> httpx.AsyncClient:
    app = FastAPI()
    app.mount(PATH, DeskFiles())
    app.add_middleware(DeskHeaders)
    answer_errors(app, Pages())

    @app.get("/desk/{what}")
    async def desk(what: str) -> Any:
        raise {
            "teapot": HTTPException(418),
            "gone": HTTPException(404),
            "own": HTTPException(409, N_("Déjà pris par quelqu’un")),
            "elsewhere": HTTPException(303, headers={"Location": "/desk/login"}),
            "part": HTTPException(401, headers={"HX-Redirect": "/desk/login"}),
            "broken": ZeroDivisionError("a secret"),
        }[what]

    @app.get("/desk/number/{number}")
    async def numbered(number: int) -> int:
        return number

    @app.get("/api/gone")
    async def api() -> Any:
        raise HTTPException(404, "no such thing")

    return _browser(app)


def _browser(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False), base_url="http://desk.test"
    )


ERRORS = [
    ("/desk/gone", 404, "Page introuvable"),
    ("/desk/own", 409, "Déjà pris par quelqu’un"),
    ("/desk/teapot", 418, "Demande incomprise"),
    ("/desk/broken", 500, "Quelque chose n’a pas fonctionné"),
    ("/desk/number/x", 404, "Page introuvable"),
    ("/desk/no/such/page", 404, "Page introuvable"),
]


@pytest.mark.parametrize(("path", "status", "says"), ERRORS)
async def test_an_error_is_a_page_that_says_what_to_do(
    browser: httpx.AsyncClient, path: str, status: int, says: str
) -> None:
    answer = await browser.get(path)
    assert answer.status_code == status
    assert says in answer.text
    assert "a secret" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


async def test_an_error_of_a_part_is_one_line(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/desk/own", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.text) == (409, "Déjà pris par quelqu’un")


async def test_who_must_sign_in_is_led_there_and_never_into_a_part(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/desk/elsewhere")).headers["location"] == "/desk/login"
    part = await browser.get("/desk/part", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/desk/login")


async def test_other_paths_answer_as_before(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/api/gone")
    assert answer.json() == {"detail": "no such thing"}
    assert "content-security-policy" not in answer.headers


async def test_static_files_are_kept_by_their_content(browser: httpx.AsyncClient) -> None:
    answer = await browser.get(asset("desk.css"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == FOR_EVER
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await browser.get(f"{PATH}/desk.css")).headers["cache-control"] == "no-cache"
    assert (await browser.get(f"{PATH}/%2e%2e/pages.py")).status_code == 404
