"""The page at `/api/docs`, with its scripts from here: a page that takes keys loads nothing from anybody else."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from importlib.resources import files

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

PAGE = "/api/docs"
ASSETS = f"{PAGE}/assets"
OPENAPI = "/api/openapi.json"

_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def mount_api_docs(app: FastAPI) -> None:
    """Add the page to `app`, whose description is at `OPENAPI`."""
    page = get_swagger_ui_html(
        openapi_url=OPENAPI,
        title=app.title,
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon.png",
    )
    policy = _policy(bytes(page.body))

    @app.get(PAGE, include_in_schema=False)
    async def api_docs() -> Response:
        return HTMLResponse(page.body, headers={"Content-Security-Policy": policy})

    app.mount(ASSETS, StaticFiles(directory=str(files("fastapi_offline") / "static")), name="api docs")


def _policy(page: bytes) -> str:
    """The page starts itself by a script in its text, which is allowed by what it says and nothing else is.

    Styles are written into the page by the script: they cannot be told from others.
    """
    digests = (b64encode(hashlib.sha256(script).digest()).decode() for script in _INLINE.findall(page))
    starting = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src 'self' {starting}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
