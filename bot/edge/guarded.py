"""An application with its guards around all of it, its own error page included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from bot.edge.headers import SafeHeaders
from bot.edge.names import KnownNames
from bot.edge.strangers import Strangers
from bot.settings import Settings
from bot.telemetry.requests import Requests

LARGEST_BODY = 1024 * 1024
"""Bytes of a request, unless its route says otherwise; what is longer is answered 413 as soon as that is known."""


class GuardedApp(FastAPI):
    """FastAPI, with the guards outside of what it is made of: nothing that it answers goes past them."""

    def __init__(self, settings: Settings, is_stopping: Callable[[], bool], **options: Any) -> None:
        super().__init__(max_body_size=LARGEST_BODY, **options)
        self._settings = settings
        self._is_stopping = is_stopping

    def build_middleware_stack(self) -> ASGIApp:
        app: ASGIApp = Strangers(super().build_middleware_stack())
        app = KnownNames(app, self._settings)
        app = SafeHeaders(app, is_https=self._settings.public_url.startswith("https://"))
        return Requests(app, is_stopping=self._is_stopping)
