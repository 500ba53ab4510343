"""From what arrived to what was meant: the guards before understanding, and the parse.

A sticker, an empty text or a voice message never reaches the classifier: whatever it said of them would be a
guess, and stock classifiers say "yes" (trap 10). Typed slashes are only text (trap 11). Our own buttons stand
for what we stored with them, and only the last question's buttons count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from actions.casework import FORM, SLOT
from actions.turn import Turn
from bot.channels.carrier import Kind, MediaType
from bot.engine.assistant import Assistant, open_form, pressed
from nlu import anger, danger
from nlu.language import stable_language
from nlu.normalise import clean
from nlu.segments import segments
from store.models import Message

MAX_TEXT = 1_000
"""Characters that are read of one message."""
CHITCHAT = frozenset({"greet", "goodbye", "thank", "affirm", "deny", "out_of_scope", None})
ABOUT_READINGS = frozenset({"submit_reading", "correct_reading", "how_to_read_meter"})
MOST_REQUESTS = 2
LEAST_BEGINNING = 3
"""Characters of a title that may stand for it when typed."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Nothing to understand; `response` says what to send instead."""

    response: str


@dataclass(frozen=True, slots=True)
class Heard:
    """One parse, or two when the message holds two requests. `notice` is said before anything else."""

    parses: tuple[dict[str, Any], ...]
    notice: str | None = None


def hear(assistant: Assistant, turn: Turn, message: Message) -> Unreadable | Heard:
    """What a stored inbound message asks for. Sets `turn.language` to the language of the answer."""
    payload = message.payload or {}
    kind = Kind(payload.get("kind", Kind.TEXT))
    hint = payload.get("language_hint")
    if turn.conversation.language is None and hint:
        turn.language = {"ar": "ar", "en": "en"}.get(str(hint).split("-")[0], "fr")
    if kind is Kind.BUTTON:
        return _button(turn, payload.get("button"))
    if kind is Kind.CONTACT:
        phone = payload.get("contact_phone")
        if phone is None:
            return Unreadable("utter_someone_elses_contact")
        turn.shared_phone = phone
        return Heard((_certain("identify", ""),))
    text = clean(message.body)
    if takes_any_words(turn):
        turn.photo = None  # the open question wants words; the picture stays in the conversation for people
    if not text:
        return (
            Unreadable(_unreadable(kind, payload)) if turn.photo is None else Heard((_certain("submit_reading", ""),))
        )
    chosen = _numbered_choice(turn, text)
    if chosen is not None:
        return Heard((chosen,))
    notice = "utter_too_long" if len(message.body) > MAX_TEXT else None
    heard = _understood(assistant, turn, text[:MAX_TEXT], notice)
    return heard if turn.photo is None or isinstance(heard, Unreadable) else _with_photo(turn, heard)


def _with_photo(turn: Turn, heard: Heard) -> Heard:
    """What was written with a picture: a reading, unless the words ask for something else of ours."""
    first, *others = heard.parses
    name, entities = first["intent"]["name"], {entity["entity"] for entity in first["entities"]}
    if others or entities & {danger.NAME, anger.NAME} or name not in (*CHITCHAT, *ABOUT_READINGS, "nlu_fallback"):
        turn.photo = None
        return heard
    if name == "correct_reading":
        return heard
    reading = {**first, "intent": {"name": "submit_reading", "confidence": 1.0}, "certainty": "sure"}
    return Heard((reading,), heard.notice)


def _unreadable(kind: Kind, payload: dict[str, Any]) -> str:
    types = {each["type"] for each in payload.get("media", ())}
    if kind is Kind.LOCATION:
        return "utter_location"
    if kind is Kind.MEDIA:
        return "utter_sticker" if types == {MediaType.STICKER} else "utter_not_text"
    return "utter_sticker" if kind is Kind.UNSUPPORTED else "utter_empty"


def _understood(assistant: Assistant, turn: Turn, text: str, notice: str | None) -> Unreadable | Heard:
    day = turn.written_on or turn.today
    whole = assistant.parse(text, day)
    in_own_words = takes_any_words(turn)
    if in_own_words and turn.conversation.language is not None:
        # A name or an address says nothing of the language that somebody writes in.
        turn.language = _pinned_language(turn) or turn.conversation.language
        return Heard((_settled(whole),), notice)
    turn.language = _answer_language(turn, whole, text)
    if whole.get("language") == "zgh":
        return Unreadable("utter_tamazight")
    parts = () if in_own_words else segments(text)
    if len(parts) > 1:
        requests: list[dict[str, Any]] = []
        for parse in (_with_reading(assistant.parse(part, day)) for part in parts):
            name = parse["intent"]["name"]
            if parse.get("certainty") != "sure" or name in CHITCHAT:
                continue
            if all(name != other["intent"]["name"] for other in requests):
                requests.append(parse)
        if len(requests) > 1:
            return Heard(tuple(requests[:MOST_REQUESTS]), notice)
    return Heard((_settled(whole),), notice)


def _with_reading(parse: dict[str, Any]) -> dict[str, Any]:
    """A part such as "48213 merci" gives a reading, however polite the rest of it."""
    has_reading = any(entity["entity"] == "reading" for entity in parse["entities"])
    if has_reading and parse["intent"]["name"] in CHITCHAT:
        return {**parse, "intent": {"name": "submit_reading", "confidence": 1.0}, "certainty": "sure"}
    return parse


def _settled(parse: dict[str, Any]) -> dict[str, Any]:
    """A parse that is not sure is treated as not understood; what it might have meant is kept beside it."""
    if parse.get("certainty", "sure") == "sure" and parse["intent"]["name"]:
        return parse
    intent = parse["intent"]
    return {
        **parse,
        "meant": intent["name"],
        "intent": {"name": "nlu_fallback", "confidence": intent["confidence"]},
    }


def takes_any_words(turn: Turn) -> bool:
    """Whether the open question is one of a request that takes free text: a reason, a name, an address."""
    dialogue = turn.conversation.dialogue
    case = (dialogue or {}).get("slots", {}).get(SLOT)
    return open_form(dialogue) == FORM and bool(case and case.get("free"))


def _pinned_language(turn: Turn) -> str | None:
    """The language that the customer asked to be answered in."""
    pinned = (turn.conversation.dialogue or {}).get("slots", {}).get("pinned_language")
    return None if pinned is None else str(pinned)


def _answer_language(turn: Turn, parse: dict[str, Any], text: str) -> str:
    pinned = _pinned_language(turn)
    if pinned:
        return pinned
    detected = parse.get("language") or ("ar" if ARABIC_LETTERS.search(text) else None)
    if detected is None:
        return turn.language
    confidence, words = float(parse.get("language_confidence") or 0), int(parse.get("language_words") or 0)
    if turn.conversation.language is None and words < 2 and confidence < PLAIN and not ARABIC_LETTERS.search(text):
        return turn.language  # "DELAI" may be anybody's: what the utility knows of its holder counts more
    language = stable_language(turn.conversation.language, detected, confidence, words)
    turn.conversation.language = language
    return language


PLAIN = 0.5
"""How sure the language of a first single word must be to count. L: set on the words that our texts ask to type."""
ARABIC_LETTERS = re.compile(r"[\u0621-\u064a]")
"""Whatever the variety, an answer to Arabic letters is in Arabic letters."""


def _button(turn: Turn, token: str | None) -> Unreadable | Heard:
    offered = turn.conversation.offered or {}
    for index, (title, payload) in enumerate(offered.get("buttons", ())):
        if token == f"{offered['message']}:{index}":
            return Heard((pressed(payload, title),))
    return Unreadable("utter_stale_button")


def _numbered_choice(turn: Turn, text: str) -> dict[str, Any] | None:
    """A typed "2", a typed title, or how one title alone begins, when the last question offered choices."""
    wanted = text.strip(" .)").casefold()
    offered = (turn.conversation.offered or {}).get("buttons", ())
    for number, (title, payload) in enumerate(offered, start=1):
        if payload.startswith("/") and (wanted == title.casefold() or _same_number(wanted, number)):
            return pressed(payload, title)
    begun = [
        (title, payload)
        for title, payload in offered
        if payload.startswith("/") and _begins(wanted, title.casefold())
    ]
    return pressed(begun[0][1], begun[0][0]) if len(begun) == 1 else None


def _begins(text: str, title: str) -> bool:
    """Whether `title` begins with `text`, up to the end of a word."""
    return len(text) >= LEAST_BEGINNING and re.match(rf"{re.escape(text)}(?!\w)", title) is not None


def _same_number(text: str, number: int) -> bool:
    return text.isdecimal() and len(text) <= 2 and int(text) == number


def _certain(intent: str, text: str) -> dict[str, Any]:
    return {
        "text": text,
        "intent": {"name": intent, "confidence": 1.0},
        "entities": [],
        "certainty": "sure",
        "language": None,
    }
