"""How actions speak: by the names of responses, never by texts. `domain.yml` and the catalogues have the words."""

from __future__ import annotations

import json
from typing import Any

from rasa_sdk.executor import CollectingDispatcher


def say(
    dispatcher: CollectingDispatcher, response: str, *, buttons: list[dict[str, Any]] | None = None, **params: Any
) -> None:
    """Utter response `utter_…` with `params`; numbers, dates and `Decimal` money are written the reader's way."""
    dispatcher.utter_message(response=response, buttons=buttons or [], **params)


def button(response: str, intent: str, entities: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
    """A button whose title is response `response`, and which stands for `intent` with `entities` when pressed."""
    payload = f"/{intent}" + (json.dumps(entities, ensure_ascii=False) if entities else "")
    return {"response": response, "params": params, "payload": payload}
