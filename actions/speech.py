"""How actions speak: by the names of responses, never by texts. `domain.yml` and the catalogues have the words."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, TypedDict

from rasa_sdk.executor import CollectingDispatcher

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


UNITS = {"kWh": "kWh", "m3": "m³"}
"""Units of registers as customers read them; a month of a fixed charge is none."""


@dataclass(frozen=True, slots=True)
class Spare:
    """What an SMS does without where the whole answer would take more than `parts` parts, the highest `order` first.

    Sentences of one order go together. The buttons of one that goes are put to the sentence before it.
    """

    order: int
    parts: int = 2


class Attachment(TypedDict):
    """A picture or a document to go with what is said. It is made when the reply is sent, never within the turn.

    `make` is one of `bot.sending.attachments.MAKERS`, `spec` what it draws from, JSON but for `words`, dates and
    decimals, which are written in the reader's language before anything is stored. The customer sees `name`: letters
    without accents, digits, `.`, `_` and `-`, and for some carriers at most 20.
    """

    make: str
    name: str
    spec: dict[str, Any]


def say(
    dispatcher: CollectingDispatcher,
    response: str,
    *,
    buttons: list[dict[str, Any]] | None = None,
    attachment: Attachment | None = None,
    spare: Spare | None = None,
    **params: Any,
) -> None:
    """Utter response `utter_…` with `params`; numbers, dates and `Decimal` money are written the reader's way.

    A parameter may be `words`, or a list of parameters, each on a line of its own.

    The text is the caption of its `attachment`, of at most 1,024 characters on Telegram and WhatsApp: past that a
    picture is left out and a document becomes a link. An SMS has no pictures, and documents as links.
    """
    if attachment is not None and not FILE_NAME.fullmatch(attachment["name"]):
        raise ValueError("an attachment's name is letters without accents, digits, '.', '_' and '-', at most 64")
    dispatcher.utter_message(response=response, buttons=buttons or [], attachment=attachment, spare=spare, **params)


def words(response: str, **params: Any) -> dict[str, Any]:
    """The text of a response, to stand within another one or in an attachment."""
    return {"response": response, "params": params}


def yes_or_no() -> list[dict[str, Any]]:
    """The two buttons of a question that is answered by one of them."""
    return [button("utter_choice_yes", "affirm"), button("utter_choice_no", "deny")]


def button(response: str, intent: str, entities: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
    """A button whose title is response `response`, and which stands for `intent` with `entities` when pressed."""
    payload = f"/{intent}" + (json.dumps(entities, ensure_ascii=False) if entities else "")
    return {"response": response, "params": params, "payload": payload}
