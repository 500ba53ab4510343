"""What the words of a hand-over are called. French; templates translate them with `_`."""

from __future__ import annotations

from collections.abc import Mapping

from bot.desk.wording import N_

STATES: Mapping[str, str] = {
    "waiting": N_("En attente"),
    "mine": N_("Les miennes"),
    "all": N_("Toutes les ouvertes"),
    "closed": N_("Terminées"),
}
REASONS: Mapping[str, str] = {
    "asked": N_("Demande un conseiller"),
    "lost": N_("N’a pas été compris"),
    "danger": N_("Danger"),
    "anger": N_("Mécontentement"),
    "poisoned": N_("Message resté sans réponse"),
    "identification": N_("Identification impossible"),
    "policy": N_("Cas réservé à un conseiller"),
    "agent": N_("Ouverte par un conseiller"),
    "reopened": N_("Rouverte"),
}
PRIORITIES: Mapping[str, str] = {"urgent": N_("Urgent"), "high": N_("Prioritaire"), "normal": N_("Normal")}
TONES: Mapping[str, str] = {"urgent": "urgent", "high": "warn", "normal": "soft"}
"""The badges' looks."""
OUTCOMES: Mapping[str, str] = {
    "solved": N_("Résolue"),
    "not_solved": N_("Non résolue"),
    "request_made": N_("Demande enregistrée"),
    "no_answer": N_("Client sans réponse"),
    "released": N_("Rendue à l’assistant"),
    "customer_left": N_("Reprise avec l’assistant par le client"),
    "expired": N_("Personne n’est venu à temps"),
}
CHANNELS: Mapping[str, str] = {
    "sms": N_("SMS"),
    "whatsapp": N_("WhatsApp"),
    "telegram": N_("Telegram"),
    "terminal": N_("Terminal"),
}
