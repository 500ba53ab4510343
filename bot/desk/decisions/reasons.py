"""Reasons kept ready for what is often refused: texts of `domain.yml`, so that customers read them their way."""

from __future__ import annotations

from collections.abc import Mapping

from bot.desk.wording import N_, translate
from bot.engine.texts import Texts
from store.decisions import MOST_REASON
from store.models import RequestKind

_TIME = ("running", "not_kept", "too_long", "paid", "twice")
REQUESTS: Mapping[RequestKind, tuple[str, ...]] = {
    RequestKind.DEFERRAL: _TIME,
    RequestKind.INSTALMENTS: _TIME,
    RequestKind.KWH_ADVANCE: ("kwh_owed", "not_entitled", "twice"),
    RequestKind.RECHARGE_VISIT: ("no_round", "not_reached", "over", "twice"),
    RequestKind.SUBSCRIPTION: ("documents", "not_reached", "twice"),
    RequestKind.COMPLAINT: ("bill_right", "over", "not_reached", "twice"),
    RequestKind.OUTAGE: ("over", "not_reached", "twice"),
    RequestKind.RECTIFICATION: ("identity", "documents", "not_reached", "twice"),
    RequestKind.ERASURE: ("law_keeps", "identity", "twice"),
}
READINGS = ("index_lower", "index_improbable", "other_number")
ASKED = N_("Choisissez un motif, ou écrivez le vôtre : le client le lit.")
TOO_LONG = N_("Un motif a %(most)s caractères au plus ; celui-ci en a %(length)s.")
NO_READY_ONE = N_("Aucun : j’écris le mien")


def choices(ready: tuple[str, ...], texts: Texts, language: str) -> list[tuple[str, str]]:
    """The reasons to choose from, as `language` reads them; none of them first."""
    return [("", translate(language, NO_READY_ONE)), *((name, _text(name, texts, language)) for name in ready)]


def reason_of(chosen: str, own: str, ready: tuple[str, ...], texts: Texts, language: str) -> str:
    """What the customer will read, in `language`: the ready reason, then the person's own words as written."""
    said = _text(chosen, texts, language) if chosen in ready else ""
    return " ".join(f"{said} {own}".split())


def wrong_with(reason: str) -> tuple[str, dict[str, str]] | None:
    """What is wrong with a reason for refusing: a sentence to be translated, and its values; None when it is fine."""
    if not reason:
        return ASKED, {}
    if len(reason) > MOST_REASON:
        return TOO_LONG, {"most": str(MOST_REASON), "length": str(len(reason))}
    return None


def _text(name: str, texts: Texts, language: str) -> str:
    return str(texts.render(f"utter_reason_{name}", language, "desk", {})["text"])
