"""The desk's stylesheets, scripts and icons, under addresses that change with their content."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

DIRECTORY = Path(__file__).parent / "static"
PATH = "/desk/static"
FOR_EVER = "public, max-age=31536000, immutable"


def asset(name: str) -> str:
    """The address of a static file. Raises `FileNotFoundError`."""
    return f"{PATH}/{name}?v={_fingerprint(name, (DIRECTORY / name).stat().st_mtime_ns)}"


@cache
def _fingerprint(name: str, _changed: int) -> str:
    return hashlib.sha256((DIRECTORY / name).read_bytes()).hexdigest()[:12]


class DeskFiles(StaticFiles):
    """Browsers keep a file for ever when it was asked for by its content's address."""

    def __init__(self) -> None:
        super().__init__(directory=DIRECTORY)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        named = scope["query_string"].startswith(b"v=")
        response.headers["Cache-Control"] = FOR_EVER if named else "no-cache"
        return response
