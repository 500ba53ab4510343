"""What the words that the store keeps are called at the desk. French; templates translate them with `_`."""

from __future__ import annotations

from collections.abc import Mapping

from bot.desk.wording import N_

UTILITIES: Mapping[str, str] = {"electricity": N_("Électricité"), "water": N_("Eau")}
BILLINGS: Mapping[str, str] = {"postpaid": N_("Sur facture"), "prepaid": N_("Prépaiement")}
REGISTERS: Mapping[str, str] = {
    "total": N_("Index"),
    "peak": N_("Heures de pointe"),
    "off_peak": N_("Heures creuses"),
}
LANGUAGES: Mapping[str, str] = {
    "fr": N_("Français"),
    "ar": N_("Arabe"),
    "ary": N_("Darija"),
    "ary-Latn": N_("Darija en lettres latines"),
    "en": N_("Anglais"),
    "zgh": N_("Tamazight"),
}
"""By BCP 47 code, in the order of lists."""
ANSWERED_IN: Mapping[str, str] = {code: name for code, name in LANGUAGES.items() if code != "zgh"}
"""Those in which the assistant and the teams answer; Tamazight is only recognised."""
CHANNELS: Mapping[str, str] = {
    "sms": N_("SMS"),
    "whatsapp": N_("WhatsApp"),
    "telegram": N_("Telegram"),
    "web": N_("Page d’essai"),
    "terminal": N_("Terminal"),
}
PROOFS: Mapping[str, str] = {
    "registered_phone": N_("Téléphone enregistré au contrat"),
    "shared_phone": N_("A partagé un téléphone enregistré au contrat"),
    "bill_amount": N_("A donné le montant de la dernière facture"),
    "code": N_("A donné le code envoyé au téléphone du contrat"),
}
SOURCES: Mapping[str, str] = {
    "customer": N_("Client"),
    "agent": N_("Conseiller"),
    "field": N_("Releveur"),
    "estimate": N_("Estimation"),
}
READING_STATES: Mapping[str, str] = {
    "accepted": N_("Accepté"),
    "to_review": N_("À vérifier"),
    "replaced": N_("Remplacé"),
    "rejected": N_("Rejeté"),
}
CERTAINTIES: Mapping[str, str] = {"read": N_("relevé"), "estimated": N_("estimé"), "to_review": N_("à vérifier")}
BASES: Mapping[str, str] = {"read": N_("Sur relevé"), "estimated": N_("Estimée")}
REQUEST_KINDS: Mapping[str, str] = {
    "deferral": N_("Délai de paiement"),
    "instalments": N_("Paiement en plusieurs fois"),
    "subscription": N_("Abonnement"),
    "complaint": N_("Réclamation"),
    "kwh_advance": N_("Avance de kWh"),
    "recharge_visit": N_("Passage de l’équipe de recharge"),
    "outage": N_("Panne signalée"),
    "rectification": N_("Correction de données personnelles"),
    "erasure": N_("Effacement de données personnelles"),
}
REQUEST_STATES: Mapping[str, str] = {
    "received": N_("Reçue"),
    "under_review": N_("À l’étude"),
    "granted": N_("Accordée"),
    "refused": N_("Refusée"),
    "being_paid": N_("En cours de paiement"),
    "kept": N_("Tenue"),
    "broken": N_("Non tenue"),
    "withdrawn": N_("Retirée"),
}
ANSWERED_STATES: Mapping[str, str] = {**REQUEST_STATES, "granted": N_("Traitée"), "refused": N_("Impossible")}
"""The same for requests that are no favour to grant, but something to deal with."""
LEDGER_KINDS: Mapping[str, str] = {
    "advance": N_("Avance"),
    "recovery": N_("Recharge"),
    "correction": N_("Correction"),
}
PAYMENTS: Mapping[str, str] = {
    "online": N_("En ligne"),
    "bank_app": N_("Application bancaire"),
    "cash_point": N_("Point de paiement"),
    "agency": N_("Agence"),
}
"""The operators' own words for how a payment came; others are shown as they are."""
OUTCOMES: Mapping[str, str] = {
    "solved": N_("Résolu"),
    "not_solved": N_("Non résolu"),
    "request_made": N_("Demande déposée"),
    "no_answer": N_("Client sans réponse"),
    "released": N_("Rendue à l’assistant"),
    "customer_left": N_("Client revenu à l’assistant"),
    "expired": N_("Personne n’est venu à temps"),
}
HAND_OVER_REASONS: Mapping[str, str] = {
    "asked": N_("A demandé un conseiller"),
    "lost": N_("L’assistant n’a pas compris"),
    "danger": N_("Danger"),
    "anger": N_("Mécontentement"),
    "poisoned": N_("Message non traité"),
    "identification": N_("Identification bloquée"),
    "policy": N_("Cas réservé aux conseillers"),
    "agent": N_("Un conseiller a écrit"),
    "reopened": N_("Rouverte"),
}
PRIORITIES: Mapping[str, str] = {"urgent": N_("Urgent"), "high": N_("Prioritaire"), "normal": N_("Normal")}

WORDS: Mapping[str, Mapping[str, str]] = {
    "utility": UTILITIES,
    "billing": BILLINGS,
    "register": REGISTERS,
    "language": LANGUAGES,
    "channel": CHANNELS,
    "proof": PROOFS,
    "source": SOURCES,
    "reading_state": READING_STATES,
    "certainty": CERTAINTIES,
    "basis": BASES,
    "request_kind": REQUEST_KINDS,
    "request_state": REQUEST_STATES,
    "answered_state": ANSWERED_STATES,
    "ledger": LEDGER_KINDS,
    "payment": PAYMENTS,
    "outcome": OUTCOMES,
    "hand_over": HAND_OVER_REASONS,
    "priority": PRIORITIES,
}
"""All of them, for templates: `{{ _(words.utility[contract.utility]) }}`."""
