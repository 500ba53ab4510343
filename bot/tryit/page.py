"""The page with the three phones, and the application that serves it together with the emulators."""

from __future__ import annotations

import json
import tomllib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bot.tryit.demo import LANGUAGES, DemoCustomer, page_texts
from bot.tryit.emulators import EmulatorConfig, Emulators

HERE = Path(__file__).parent
EXAMPLES = tomllib.loads((HERE / "examples.toml").read_text(encoding="utf-8"))["group"]
"""Messages offered to the newcomer, by language."""

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def tryit_app(config: EmulatorConfig, customers: Sequence[DemoCustomer], *, operator: str = "ONEE") -> Starlette:
    """The page at `/` and the emulators beside it; mount it at `/try`, in the demonstration only.

    `operator` is the name that the phones show for us. A mounted application gets no lifespan events: whoever
    mounts it awaits `app.state.emulators.aclose()` at the end.
    """
    emulators = Emulators(config)
    templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined)
    templates.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)

    async def page(request: Request) -> Response:
        wanted = request.query_params.get("lang", "")
        language = wanted if wanted in LANGUAGES else LANGUAGES[0]
        html = templates.get_template("try.html").render(
            language=language,
            languages={code: page_texts(code)["name"] for code in LANGUAGES},
            texts=page_texts(language),
            examples=EXAMPLES,
            customers=customers,
            operator=operator,
            sms_number=emulators.twilio.account.sms_number,
        )
        return HTMLResponse(html, headers=SECURITY_HEADERS)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await emulators.aclose()

    app = Starlette(
        routes=[
            Route("/", page),
            Mount("/static", StaticFiles(directory=HERE / "static")),
            *emulators.routes,
        ],
        lifespan=lifespan,
    )
    app.state.emulators = emulators
    return app
