"""Renders the desk's templates, whole pages and parts of them, in the language of whoever looks."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from babel.core import negotiate_locale
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.clock import Clock, system_clock
from bot.desk.access import Actor, Permission
from bot.desk.shown import filters
from bot.desk.static_files import asset
from bot.desk.wording import DIRECTIONS, LANGUAGES, N_, SOURCE_LANGUAGE, translate, translate_number

HERE = Path(__file__).parent
FLASH_COOKIE = "releve_desk_flash"
FLASH_SECONDS = 60
LONGEST_FLASH = 500
"""Characters: a cookie holds four thousand bytes, and an Arabic letter takes up to eight of them."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the desk that its bar leads to. `key` is pressed after `g`."""

    path: str
    title: str
    icon: str
    key: str
    permission: Permission


PLACES = (
    Place("/desk/queue", N_("File d’attente"), "queue", "q", Permission.CONVERSE),
    Place("/desk/decisions", N_("Décisions"), "decisions", "d", Permission.DECIDE),
    Place("/desk/supervision", N_("Supervision"), "chart", "s", Permission.SUPERVISE),
    Place("/desk/search", N_("Recherche"), "search", "r", Permission.CONVERSE),
    Place("/desk/people", N_("Comptes"), "people", "p", Permission.ADMINISTER),
)


class Pages:
    """Templates in `templates/desk/`; their French texts are the source of the translations.

    `_` and `ngettext` give plain text, which is escaped like any other: `_("Bonjour %(name)s", name=…)`.
    """

    def __init__(self, clock: Clock = system_clock) -> None:
        self._environments = {language: _environment(language, clock) for language in LANGUAGES}

    def page(
        self, request: Request, actor: Actor | None, template: str, *, status: int = 200, **context: Any
    ) -> HTMLResponse:
        """`templates/desk/TEMPLATE` for `actor`, with `request`, `actor` and `context`.

        What `redirect` had to say is shown, once.
        """
        said = _unpacked(request.cookies.get(FLASH_COOKIE))
        messages = [*said, *context.pop("messages", ())]
        response = HTMLResponse(self.part(request, actor, template, messages=messages, **context), status_code=status)
        if said:
            response.delete_cookie(FLASH_COOKIE, path="/desk")
        return response

    def part(self, request: Request, actor: Actor | None, template: str, **context: Any) -> str:
        """The same as text: a fragment for htmx, or for an event."""
        language = language_of(request, actor)
        return (
            self._environments[language]
            .get_template(f"desk/{template}")
            .render(
                request=request,
                actor=actor,
                language=language,
                direction=DIRECTIONS[language],
                places=[place for place in PLACES if actor is not None and actor.may(place.permission)],
                **context,
            )
        )


def language_of(request: Request, actor: Actor | None) -> str:
    """The interface's language: the person's own, or the one that their browser asks for."""
    if actor is not None:
        return actor.language if actor.language in LANGUAGES else SOURCE_LANGUAGE
    wanted = request.query_params.get("lang", "")
    if wanted in LANGUAGES:
        return wanted
    accepted = [each.split(";")[0].strip() for each in request.headers.get("accept-language", "").split(",")]
    return negotiate_locale(accepted, LANGUAGES, sep="-") or SOURCE_LANGUAGE


def redirect(to: str, message: str | None = None, tone: str = "good", **values: Any) -> RedirectResponse:
    """Lead on after a change, with something to say there: a French text marked by `N_`, and its values.

    `tone` is one of `good`, `warn`, `urgent`.
    """
    response = RedirectResponse(to, status_code=303)
    if message is not None:
        shown = {name: str(value) for name, value in values.items()}
        packed = urlsafe_b64encode(json.dumps([tone, message, shown], ensure_ascii=False).encode()).decode()
        response.set_cookie(
            FLASH_COOKIE,
            packed[: LONGEST_FLASH * 8],
            max_age=FLASH_SECONDS,
            path="/desk",
            httponly=True,
            samesite="strict",
        )
    return response


def _unpacked(cookie: str | None) -> list[dict[str, Any]]:
    """What the page before had to say; nothing when the cookie is not as we wrote it."""
    if not cookie:
        return []
    try:
        tone, text, values = json.loads(urlsafe_b64decode(cookie))
        return [{"tone": str(tone), "text": str(text)[:LONGEST_FLASH], "values": dict(values)}]
    except (ValueError, TypeError):
        return []


def _environment(language: str, clock: Clock) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    gettext, ngettext = partial(translate, language), partial(translate_number, language)
    environment.globals.update(asset=asset, gettext=gettext, ngettext=ngettext, _=gettext)
    environment.filters.update(filters(language, clock))
    environment.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment
