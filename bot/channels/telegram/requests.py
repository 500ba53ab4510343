"""The HTTP requests under python-telegram-bot, with two gaps filled."""

from __future__ import annotations

from typing import Any

import structlog
from telegram.error import NetworkError
from telegram.request import HTTPXRequest

from bot.channels.telegram.updates import Malformed, parse, read

log = structlog.stdlib.get_logger(__name__)


class Unavailable(NetworkError):
    """The Bot API answered 5xx, or 429 without saying for how long."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class BotRequest(HTTPXRequest):
    """Tells an answered error from a connection that broke: the library calls both `NetworkError`."""

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        status, payload = await super().do_request(*args, **kwargs)
        if status >= 500 or (status == 429 and b"retry_after" not in payload):
            raise Unavailable(status)
        return status, payload


class PollRequest(BotRequest):
    """Reads a batch of updates so that one that cannot be read does not hold up all others.

    Its place is taken by an empty update of the same number, which the next poll confirms.
    """

    @staticmethod
    def parse_json_payload(payload: bytes) -> Any:
        answer = HTTPXRequest.parse_json_payload(payload)
        result = answer.get("result")
        if isinstance(result, list):
            answer["result"] = [_parsable(update) for update in result]
        return answer


def _parsable(update: Any) -> Any:
    try:
        read(parse(update))
    except Malformed:
        if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
            raise
        log.error("update that cannot be read skipped", carrier="telegram", update_id=update["update_id"])
        return {"update_id": update["update_id"]}
    return update
