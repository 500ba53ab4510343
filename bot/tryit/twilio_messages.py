"""Twilio's Message resource and the account's list of messages."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from bot.tryit.twilio_errors import TwilioError
from bot.tryit.twilio_webhook import API_VERSION

MAX_MESSAGES = 100_000
MAX_MESSAGES_TO_ONE = 500
"""Bounds of what the API still lists."""


@dataclass(slots=True)
class Message:
    """A Message resource. `sent_at` has whole seconds, as Twilio's dates have."""

    sid: str
    to: str
    sender: str
    body: str
    direction: str
    sent_at: datetime
    parts: int = 1
    media: tuple[tuple[str, str], ...] = ()
    """Identifiers and types of what goes with it."""
    status: str = "queued"
    error: int | None = None
    service: str | None = None

    def as_json(self, account_sid: str) -> dict[str, Any]:
        created = format_datetime(self.sent_at)
        uri = f"/{API_VERSION}/Accounts/{account_sid}/Messages/{self.sid}"
        return {
            "account_sid": account_sid,
            "api_version": API_VERSION,
            "body": self.body,
            "date_created": created,
            "date_sent": None if self.status == "queued" else created,
            "date_updated": created,
            "direction": self.direction,
            "error_code": self.error,
            "error_message": None,
            "from": self.sender,
            "messaging_service_sid": self.service,
            "num_media": str(len(self.media)),
            "num_segments": str(self.parts),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }


def media_as_json(message: Message, account_sid: str) -> list[dict[str, Any]]:
    """The Media resources of a message."""
    created = format_datetime(message.sent_at)
    uri = f"/{API_VERSION}/Accounts/{account_sid}/Messages/{message.sid}/Media"
    return [
        {
            "account_sid": account_sid,
            "content_type": content_type,
            "date_created": created,
            "date_updated": created,
            "parent_sid": message.sid,
            "sid": sid,
            "uri": f"{uri}/{sid}.json",
        }
        for sid, content_type in message.media
    ]


class MessageBook:
    """The account's messages, both directions, in memory; the oldest are forgotten."""

    def __init__(self) -> None:
        self._messages: OrderedDict[str, Message] = OrderedDict()
        self._by_recipient: dict[str, deque[Message]] = {}

    def get(self, sid: str) -> Message | None:
        return self._messages.get(sid)

    def add(self, message: Message) -> None:
        self._messages[message.sid] = message
        mine = self._by_recipient.get(message.to)
        if mine is None:
            mine = self._by_recipient[message.to] = deque(maxlen=MAX_MESSAGES_TO_ONE)
        mine.append(message)
        if len(self._messages) > MAX_MESSAGES:
            _, oldest = self._messages.popitem(last=False)
            theirs = self._by_recipient[oldest.to]
            if theirs[0] is oldest:
                theirs.popleft()
            if not theirs:
                del self._by_recipient[oldest.to]

    def matching(self, query: Mapping[str, str]) -> Iterator[Message]:
        """The messages that a list request asks for, newest first, after those of the pages before."""
        to, sender, token = query.get("To"), query.get("From"), query.get("PageToken")
        on, since, until = (_moment(query.get(name)) for name in ("DateSent", "DateSent>", "DateSent<"))
        candidates = self._by_recipient.get(to, ()) if to else self._messages.values()
        for message in reversed(candidates):
            if token:
                if token == f"PA{message.sid}":
                    token = None
                continue
            if (
                (not sender or message.sender == sender)
                and (not on or message.sent_at.date() == on.date())
                and (not since or message.sent_at >= since)
                and (not until or message.sent_at <= until)
            ):
                yield message


def _moment(text: str | None) -> datetime | None:
    """A date or an ISO 8601 time of the query, in UTC. Raises `TwilioError` for anything else."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise TwilioError(20422, "DateSent") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
