"""What the bridge writes to Chatwoot's agents. In French, the language of the desk's source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bot.desk.conversations.sendable import NotSendable
from bot.desk.conversations.understanding import understanding_of
from bot.desk.wording import SOURCE_LANGUAGE, filled
from bot.desk.words import CHANNELS, HAND_OVER_REASONS, LANGUAGES, OUTCOMES, PROOFS
from bot.sending.uploads import BadFile

SPEAKERS: Mapping[str, str] = {"customer": "Client", "assistant": "Assistant", "agent": "Conseiller"}
NOT_OPEN: Final = "Cette conversation est revenue à l’assistant : le message n’est pas envoyé."
TAKEN: Final = "%(by)s a cette conversation dans Relève : le message n’est pas envoyé."
BAD_FILES: Mapping[str, str] = {
    "empty": "Le fichier est vide.",
    "too_large": "Le fichier est trop grand : 5 Mo au plus.",
    "wrong_kind": "Ce fichier n’est ni un PDF ni une image PNG ou JPEG.",
}
FILE_NOT_HAD: Final = "[fichier que l’opérateur de messagerie ne donne pas]"
ENDED: Final = "La conversation est revenue à l’assistant (%(outcome)s)."
NO_TEXT: Final = "[sans texte]"
LONGEST_LINE: Final = 500
"""Characters of a message in the summary; all of it is in Relève."""


def summary(stay: Mapping[str, Any], context: Mapping[str, Any], address: str) -> str:
    """The note that a conversation begins with; `address` is where Relève shows it."""
    lines = [
        f"**{HAND_OVER_REASONS.get(stay['reason'], stay['reason'])}**"
        + (" · URGENT" if stay["priority"] == "urgent" else ""),
        " · ".join(
            filter(
                None,
                (
                    CHANNELS.get(stay["channel"], stay["channel"]),
                    LANGUAGES.get(stay["language"] or ""),
                    ", ".join(context["customers"]) or "Client non identifié",
                ),
            )
        ),
    ]
    if context["contracts"]:
        proofs = ", ".join(PROOFS.get(each, each) for each in context["known_by"])
        lines.append(f"Contrats : {', '.join(context['contracts'])} ({proofs})")
    understanding = understanding_of(context["understood"], SOURCE_LANGUAGE)
    if understanding is not None:
        values = [f"{name} {value}" for name, value in understanding.entities]
        lines.append(f"Compris : {', '.join([understanding.intent, *values])}")
    lines += ["", *(_line(each) for each in context["transcript"]), "", address]
    return "\n".join(lines)


def note(said: Mapping[str, Any]) -> str:
    """What somebody on our side wrote to the customer meanwhile."""
    who = said["agent"] or SPEAKERS[said["by"]]
    return f"{who} (Relève) : {said['text']}"


def why_not_sent(error: NotSendable | BadFile) -> str:
    """Why an agent's message was not sent."""
    if isinstance(error, BadFile):
        return BAD_FILES[error.why]
    return filled(error.text, error.values)


def ended(outcome: str) -> str:
    """That a conversation ended without Chatwoot."""
    return ENDED % {"outcome": OUTCOMES.get(outcome, outcome)}


def _line(said: Mapping[str, Any]) -> str:
    text = " ".join(said["text"].split())
    if len(text) > LONGEST_LINE:
        text = f"{text[: LONGEST_LINE - 1]}…"
    files = f" [{len(said['attachments'])} fichier(s)]" if said["attachments"] else ""
    return f"{said['agent'] or SPEAKERS[said['by']]} : {text or NO_TEXT}{files}"
