"""Renders the desk's templates, whole pages and parts of them, in the language of whoever looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.desk.access import Actor

HERE = Path(__file__).parent


class Pages:
    """Templates in `templates/desk/`; their French texts are the source of the translations."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
        )

    def page(
        self, request: Request, actor: Actor | None, template: str, *, status: int = 200, **context: Any
    ) -> HTMLResponse:
        """`templates/desk/TEMPLATE` for `actor`, with `request`, `actor` and `context`."""
        return HTMLResponse(self.part(request, actor, template, **context), status_code=status)

    def part(self, request: Request, actor: Actor | None, template: str, **context: Any) -> str:
        """The same as text: a fragment for htmx, or for an event."""
        return self._environment.get_template(f"desk/{template}").render(request=request, actor=actor, **context)
