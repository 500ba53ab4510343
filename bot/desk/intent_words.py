"""What the desk calls the customers' intents. French; templates translate with `_`."""

from __future__ import annotations

from collections.abc import Mapping

from bot.desk.wording import N_

INTENTS: Mapping[str, str] = {
    "submit_reading": N_("Donner un index"),
    "correct_reading": N_("Corriger un index"),
    "how_to_read_meter": N_("Lire son compteur"),
    "explain_bill": N_("Comprendre sa facture"),
    "check_balance": N_("Savoir ce qui est dû"),
    "estimate_bill": N_("Prévoir sa facture"),
    "how_to_pay": N_("Savoir comment payer"),
    "request_deferral": N_("Demander un délai"),
    "request_instalments": N_("Payer en plusieurs fois"),
    "check_request": N_("Suivre une demande"),
    "recharge_prepaid": N_("Recharger un compteur prépayé"),
    "request_kwh_advance": N_("Demander une avance de kWh"),
    "request_subscription": N_("Demander un abonnement"),
    "report_outage": N_("Signaler une panne"),
    "complain": N_("Réclamer"),
    "contact_info": N_("Adresses et horaires"),
    "talk_to_agent": N_("Parler à un conseiller"),
    "identify": N_("S’identifier"),
    "change_language": N_("Changer de langue"),
    "privacy": N_("Données personnelles"),
    "opt_out": N_("Ne plus recevoir de messages"),
    "greet": N_("Saluer"),
    "goodbye": N_("Prendre congé"),
    "thank": N_("Remercier"),
    "affirm": N_("Dire oui"),
    "deny": N_("Dire non"),
    "cancel": N_("Abandonner"),
    "help": N_("Demander de l’aide"),
    "out_of_scope": N_("Hors sujet"),
}
"""The closed list of `domain.yml`."""


def intent_name(intent: str | None) -> str:
    """None and Rasa's fallback are what was not understood; an intent without a name here is shown as it is."""
    return N_("Pas compris") if intent in (None, "nlu_fallback") else INTENTS.get(str(intent), str(intent))
