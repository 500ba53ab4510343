"""A stretch of the transcript as what is shown: days, messages, notes, and who had the conversation when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from billing.calendar import local_day
from bot.channels.carrier import Kind
from bot.desk.conversations.delivery import Delivery, delivery_of
from bot.desk.conversations.understanding import Understanding, understanding_of
from bot.desk.conversations.visible import Folded, folded, visible
from bot.desk.wording import N_
from bot.desk.words import HAND_OVER_REASONS, OUTCOMES
from bot.sending.attachments import GATHERED, content_type
from store.desk_models import Note
from store.models import Audit, Direction, Message, MessageState
from store.transcript import Stretch, user_id_of

EVENTS: Mapping[str, tuple[str, str]] = {
    "conversation.handed_over": (N_("Passée aux conseillers : %(reason)s"), "people"),
    "conversation.claimed": (N_("Prise par %(who)s"), "person"),
    "conversation.transferred": (N_("Transférée par %(who)s à %(to)s"), "transfer"),
    "conversation.freed": (N_("De nouveau en attente d’un conseiller"), "people"),
    "conversation.released": (N_("Rendue à l’assistant par %(who)s"), "assistant"),
    "conversation.closed": (N_("Close par %(who)s : %(outcome)s"), "check"),
    "conversation.customer_left": (N_("Le client est revenu à l’assistant"), "assistant"),
    "conversation.expired": (N_("Personne n’est venu à temps : l’assistant a repris"), "assistant"),
}
REOPENED = N_("Rouverte par %(who)s")
TAKEN_BY_WRITING = N_("Prise par %(who)s, qui a écrit au client")


@dataclass(frozen=True, slots=True)
class File:
    """A picture, voice message or document of a message. `href` is None for what is not shown to agents."""

    type: str
    name: str
    href: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """A message. `writer` is an agent's name; without one `automatic` says in French who wrote, for what is ours."""

    id: int
    at: datetime
    is_ours: bool
    writer: str | None
    automatic: str | None
    text: Folded
    language: str | None
    pressed: bool
    edited: bool
    files: list[File]
    location: tuple[float, float] | None
    contact: str | None
    unsupported: bool
    buttons: list[str]
    template: bool
    delivery: Delivery | None
    parts: int | None
    is_waiting: bool
    is_set_aside: bool
    understood: Understanding | None


@dataclass(frozen=True, slots=True)
class Noted:
    id: int
    at: datetime
    writer: str
    text: Folded


@dataclass(frozen=True, slots=True)
class Happened:
    """`text` is French with places that `words` fill: values as they are, or French words in `translated`."""

    id: int
    at: datetime
    text: str
    icon: str
    words: Mapping[str, str]
    translated: Mapping[str, str]


Entry = date | Said | Noted | Happened


def entries_of(stretch: Stretch, language: str) -> Iterator[Entry]:
    """In order of time, with a date before the first entry of each day in Morocco.

    `language` is the reader's, for the names of what the assistant understood.
    """
    titles = {message.id: _titles(message) for message in stretch.messages}
    rows: list[tuple[datetime, int, Message | Note | Audit]] = [
        *((each.created_at, 1, each) for each in stretch.messages),
        *((each.at, 0, each) for each in stretch.events),
        *((each.created_at, 2, each) for each in stretch.notes),
    ]
    today: date | None = None
    for at, _, row in sorted(rows, key=lambda each: (each[0], each[1], each[2].id)):
        if local_day(at) != today:
            today = local_day(at)
            yield today
        match row:
            case Message():
                yield _said(row, stretch, titles, language)
            case Note():
                yield Noted(row.id, at, stretch.people.get(row.user_id, ""), folded(row.body))
            case Audit():
                yield _happened(row, stretch)


def _said(message: Message, stretch: Stretch, titles: Mapping[int, list[str]], language: str) -> Said:
    payload = message.payload or {}
    is_ours = message.direction == Direction.OUT
    pressed = payload.get("kind") == Kind.BUTTON
    location = payload.get("location")
    return Said(
        id=message.id,
        at=message.created_at,
        is_ours=is_ours,
        writer=None if message.user_id is None else stretch.people.get(message.user_id, ""),
        automatic=_automatic(message) if is_ours else None,
        text=folded(message.body or (_pressed_title(payload, titles) if pressed else "")),
        language=message.language,
        pressed=pressed,
        edited=bool(payload.get("edited")),
        files=list(_files(message, payload)),
        location=(location[0], location[1]) if location else None,
        contact=payload.get("contact_phone") or ("" if payload.get("kind") == Kind.CONTACT else None),
        unsupported=payload.get("kind") == Kind.UNSUPPORTED,
        buttons=titles[message.id] if is_ours else [],
        template="template" in payload,
        delivery=delivery_of(message) if is_ours else None,
        parts=message.parts if is_ours and message.channel == "sms" else None,
        is_waiting=message.state == MessageState.RECEIVED,
        is_set_aside=message.state == MessageState.SET_ASIDE,
        understood=None if is_ours else understanding_of(message.understood, language),
    )


def _automatic(message: Message) -> str:
    """Who wrote what no agent wrote, in French."""
    if message.bulk:
        return N_("Campagne")
    return N_("Assistant") if message.answers_id is not None else N_("Message automatique")


def _titles(message: Message) -> list[str]:
    return [visible(str(title)) for title, _ in (message.payload or {}).get("buttons", ())]


def _pressed_title(payload: Mapping[str, Any], titles: Mapping[int, list[str]]) -> str:
    """What stood on a button, where the carrier did not tell; empty when its message is not at hand."""
    offered, _, index = str(payload.get("button", "")).partition(":")
    if not offered.isdigit() or not index.isdigit():
        return ""
    choices = titles.get(int(offered), [])
    return choices[int(index)] if int(index) < len(choices) else ""


def _files(message: Message, payload: Mapping[str, Any]) -> Iterator[File]:
    base = f"/desk/conversations/{message.conversation_id}/messages/{message.id}/media"
    for number, media in enumerate(payload.get("media", ())):
        yield File(str(media["type"]), "", f"{base}/{number}")
    order = payload.get("attachment")
    if order is not None:
        kind = content_type(order) or ""
        # A copy of all personal data is between the customer and the law: agents see that it was sent.
        href = None if order["make"] in GATHERED else f"{base}/0"
        yield File("image" if kind.startswith("image/") else "document", visible(str(order["name"])), href)


def _happened(event: Audit, stretch: Stretch) -> Happened:
    details = event.details
    text, icon = EVENTS[event.action]
    by = user_id_of(event.actor)
    words = {"who": stretch.people.get(by, "") if by is not None else ""}
    translated = {}
    if event.action == "conversation.handed_over":
        reason = str(details.get("reason", ""))
        if by is not None:
            text = REOPENED if reason == "reopened" else TAKEN_BY_WRITING
            icon = "person"
        translated["reason"] = HAND_OVER_REASONS.get(reason, reason)
    if event.action == "conversation.transferred":
        to = [stretch.people.get(details.get("user") or 0), stretch.teams.get(details.get("team") or 0)]
        words["to"] = " · ".join(name for name in to if name)
    if event.action == "conversation.closed":
        outcome = str(details.get("outcome", ""))
        translated["outcome"] = OUTCOMES.get(outcome, outcome)
    return Happened(event.id, event.at, text, icon, words, translated)
