"""How far a message that was sent has got, in words, and why a carrier refused it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.channels.carrier import DeliveryState
from bot.desk.wording import N_
from store.models import Message, MessageState

REASONS: Mapping[str, str] = {
    "21211": N_("Ce numéro n’est pas un numéro de téléphone valable."),
    "21408": N_("Les envois vers ce pays ne sont pas permis sur notre compte."),
    "21610": N_("Le client a demandé de ne plus recevoir de messages (STOP)."),
    "21612": N_("Ce numéro ne peut pas être joint depuis notre numéro."),
    "21614": N_("Ce numéro n’est pas celui d’un téléphone mobile."),
    "21617": N_("Le message est trop long."),
    "21620": N_("Le fichier joint a été refusé."),
    "21655": N_("Le modèle de message n’existe pas ou plus chez l’opérateur de messagerie."),
    "21656": N_("Les champs du modèle de message ont été refusés."),
    "30001": N_("La file d’envoi de l’opérateur de messagerie est pleine."),
    "30002": N_("Notre compte chez l’opérateur de messagerie est suspendu."),
    "30003": N_("Le téléphone du client est éteint ou hors réseau."),
    "30004": N_("Le client ou son opérateur bloque nos messages."),
    "30005": N_("Ce numéro n’existe pas ou n’est plus attribué."),
    "30006": N_("C’est une ligne fixe, ou son opérateur ne peut pas être joint."),
    "30007": N_("L’opérateur du client a filtré le message comme indésirable."),
    "30008": N_("L’opérateur du client n’a pas remis le message, sans dire pourquoi."),
    "63001": N_("WhatsApp n’a pas accepté notre compte."),
    "63003": N_("Ce numéro n’est pas joignable sur WhatsApp."),
    "63013": N_("WhatsApp a refusé le message : il enfreint ses règles."),
    "63016": N_("Plus de 24 heures depuis le dernier message du client : WhatsApp n’accepte qu’un modèle approuvé."),
    "63019": N_("WhatsApp n’a pas pu télécharger le fichier joint."),
    "63021": N_("WhatsApp n’accepte pas ce type de fichier."),
    "63024": N_("Ce numéro ne peut pas recevoir de messages WhatsApp."),
    "63032": N_("WhatsApp limite le nombre de messages envoyés à ce client."),
    "bot was blocked": N_("Le client a bloqué notre compte Telegram."),
    "user is deactivated": N_("Le compte Telegram du client n’existe plus."),
    "chat not found": N_("La conversation Telegram n’existe plus."),
    "can't initiate conversation": N_("Sur Telegram, le client doit écrire le premier."),
    "flood control": N_("Trop de messages envoyés à la fois : nouvel essai dans un moment."),
    "no carrier": N_("Ce canal n’est pas configuré ici."),
    "no sender is configured": N_("Ce canal n’est pas configuré ici."),
    "in doubt": N_("On ne sait pas si le message est parti ; il n’est pas renvoyé, pour ne pas le répéter."),
    "no connection": N_("L’opérateur de messagerie ne peut pas être joint."),
    "could not ask": N_("L’opérateur de messagerie ne répond pas."),
}
"""By code of Twilio (https://www.twilio.com/docs/api/errors), or by words of Telegram's or ours."""
UNKNOWN_REASON = N_("L’opérateur de messagerie n’a pas accepté le message.")

_CODE = re.compile(r"\b[1-9][0-9]{4}\b")


@dataclass(frozen=True, slots=True)
class Delivery:
    """`word`, `reason` are French, to translate; `tone` is a badge's; `raw` is what the carrier said."""

    word: str
    icon: str
    tone: str = "soft"
    reason: str | None = None
    raw: str | None = None


def reason_of(error: str) -> str:
    """What a carrier's error means, in French."""
    code = _CODE.search(error)
    if code is not None and code[0] in REASONS:
        return REASONS[code[0]]
    told = error.casefold()
    return next((words for sign, words in REASONS.items() if not sign.isdigit() and sign in told), UNKNOWN_REASON)


def delivery_of(message: Message) -> Delivery:
    """Of an outgoing message."""
    match message.state:
        case MessageState.QUEUED if message.error:
            return _with_reason(N_("Nouvel essai bientôt"), "refresh", "warn", message.error)
        case MessageState.QUEUED:
            return Delivery(N_("En attente d’envoi"), "clock")
        case MessageState.SENDING:
            return Delivery(N_("Envoi en cours"), "clock")
        case MessageState.REFUSED:
            return _with_reason(N_("Refusé"), "alert", "urgent", message.error)
        case MessageState.DEAD:
            return _with_reason(N_("Non envoyé"), "alert", "urgent", message.error)
    match message.delivery:
        case DeliveryState.DELIVERED:
            return Delivery(N_("Remis"), "double-check")
        case DeliveryState.READ:
            return Delivery(N_("Lu"), "eye", "good")
        case DeliveryState.FAILED:
            return _with_reason(N_("Non remis"), "alert", "urgent", message.error)
    return Delivery(N_("Envoyé"), "check")


def _with_reason(word: str, icon: str, tone: str, error: str | None) -> Delivery:
    return Delivery(word, icon, tone, reason_of(error or ""), error)
