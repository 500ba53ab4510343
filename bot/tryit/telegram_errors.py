"""Telegram's errors as the Bot API answers them."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response


class TelegramError(Exception):
    """A request that Telegram refuses. `retry_after` is in seconds."""

    def __init__(self, code: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after

    def response(self) -> Response:
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.retry_after:
            body["parameters"] = {"retry_after": self.retry_after}
        return JSONResponse(body, status_code=self.code)


def refusal(status: int, retry_after: int) -> TelegramError:
    """What Telegram answers when it is too busy or unwell, for any 4xx or 5xx status."""
    match status:
        case 429:
            return TelegramError(429, f"Too Many Requests: retry after {retry_after}", retry_after)
        case 403:
            return TelegramError(403, "Forbidden: bot was blocked by the user")
        case 401:
            return TelegramError(401, "Unauthorized")
        case 400:
            return TelegramError(400, "Bad Request: chat not found")
        case _:
            return TelegramError(status, "Internal Server Error")
