"""Texts that WhatsApp approved, which alone may be sent there a day after the customer's last message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from string import Formatter

from actions.operator import Operator
from bot.channels.carrier import Channel
from bot.channels.text import storable
from bot.desk.conversations.sendable import NotSendable
from bot.desk.wording import N_, translate
from bot.engine.texts import FALLBACKS, MissingText, Texts
from bot.notice_text import Composed, Composer, Recipient

NAMES: Mapping[str, str] = {
    "utter_campaign_reading": N_("Rappel de relevé"),
    "utter_campaign_due": N_("Rappel d’échéance"),
    "utter_campaign_overdue": N_("Facture en retard"),
    "utter_campaign_round": N_("Passage de l’équipe de recharge"),
    "utter_instalment_reminder": N_("Rappel d’un paiement prévu"),
    "utter_agent_returns": N_("Reprendre la conversation"),
}
"""What an agent reads in the place of a response's name."""
LABELS: Mapping[str, str] = {
    "contract": N_("Numéro de contrat"),
    "day": N_("Jour"),
    "due_on": N_("Échéance"),
    "amount": N_("Montant"),
    "reference": N_("Référence"),
    "place": N_("Lieu"),
    "commune": N_("Commune"),
    "agent": N_("Votre nom"),
    "phone": N_("Téléphone"),
}
BY_US = frozenset({"operator"})
"""Parameters that no agent fills."""
LONGEST_VALUE = 200
ANY_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)

UNKNOWN = N_("Ce modèle n’existe plus. Choisissez-en un autre.")
NOT_FILLED = N_("Remplissez tous les champs du modèle.")


@dataclass(frozen=True, slots=True)
class Approved:
    """A template in a conversation's language: `preview` shows where `fields` (name, French label) go."""

    response: str
    name: str
    preview: str
    fields: list[tuple[str, str]]


def approved_templates(operator: Operator, texts: Texts, language: str, reader: str) -> list[Approved]:
    """Those that can be sent to a customer of `language`; labels in the preview are in the `reader`'s."""
    found = []
    for response, by_language in operator.notices.whatsapp_templates.items():
        template = next((by_language[each] for each in FALLBACKS.get(language, ()) if each in by_language), None)
        if template is None or response not in texts.responses:
            continue
        names = [
            each for each in dict.fromkeys((*_places(texts, response), *template.variables)) if each not in BY_US
        ]
        fields = [(name, LABELS.get(name, name)) for name in names]
        values = {name: f"[{translate(reader, label)}]" for name, label in fields}
        try:
            text = _composed(operator, texts, response, language, values).text
        except (NotSendable, MissingText):
            continue
        found.append(Approved(response, NAMES.get(response, response), text, fields))
    return found


def compose(operator: Operator, texts: Texts, response: str, language: str, values: Mapping[str, str]) -> Composed:
    """The message of a template filled with what an agent typed. Raises `NotSendable`."""
    if response not in operator.notices.whatsapp_templates:
        raise NotSendable(UNKNOWN)
    typed = {name: value for name, value in values.items() if name not in BY_US}
    cleaned = {name: " ".join(storable(value).split())[:LONGEST_VALUE] for name, value in typed.items()}
    if not all(cleaned.values()):
        raise NotSendable(NOT_FILLED)
    try:
        return _composed(operator, texts, response, language, cleaned)
    except MissingText as error:
        raise NotSendable(NOT_FILLED) from error


def _composed(operator: Operator, texts: Texts, response: str, language: str, values: Mapping[str, str]) -> Composed:
    """As a notice to somebody who has not written for long. Raises `NotSendable` and `MissingText`."""
    to = Recipient(Channel.WHATSAPP, "", None)
    composer = Composer(texts, operator, {Channel.WHATSAPP})
    # The moment makes no difference to somebody whose last message is not known.
    composed = composer.compose(response, values, language, to, ANY_MOMENT)
    if not isinstance(composed, Composed) or composed.template is None:
        raise NotSendable(UNKNOWN)
    return composed


def _places(texts: Texts, response: str) -> list[str]:
    """The parameters that a response's French texts name."""
    variations = texts.responses[response]
    return [name for each in variations for _, name, _, _ in Formatter().parse(each["text"]) if name]
