"""What the audit says, in words: who acted, what they did, and where to look at what it was done to.

French; templates translate with `_`. An action without words here is shown as the audit has it.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.desk.wording import N_

ACTIONS: Mapping[str, str] = {
    "customer.viewed": N_("a consulté le dossier"),
    "search.made": N_("a cherché"),
    "audit.exported": N_("a téléchargé le journal"),
    "example.labelled": N_("a étiqueté un message"),
    "example.dropped": N_("a écarté un message de l’étiquetage"),
    "example.exported": N_("a sorti des exemples pour relecture"),
    "conversation.handed_over": N_("a passé la conversation aux conseillers"),
    "conversation.claimed": N_("a pris la conversation"),
    "conversation.transferred": N_("a transféré la conversation"),
    "conversation.released": N_("a rendu la conversation à l’assistant"),
    "conversation.closed": N_("a clos la conversation"),
    "conversation.freed": N_("a remis la conversation en attente"),
    "conversation.customer_left": N_("est revenu à l’assistant"),
    "conversation.expired": N_("a rendu la conversation : personne n’est venu à temps"),
    "conversation.erased": N_("a effacé la conversation"),
    "conversation.opted_out": N_("a arrêté les messages non demandés"),
    "conversation.opted_in": N_("a accepté de nouveau les messages"),
    "reading.recorded": N_("a enregistré un relevé"),
    "reading.replaced": N_("a corrigé un relevé"),
    "reading.accepted": N_("a accepté un relevé"),
    "reading.rejected": N_("a rejeté un relevé"),
    "request.received": N_("a déposé une demande"),
    "request.under_review": N_("a mis une demande à l’étude"),
    "request.revised": N_("a modifié une demande"),
    "request.granted": N_("a accordé ou traité une demande"),
    "request.refused": N_("a refusé une demande"),
    "request.being_paid": N_("a noté un premier paiement"),
    "request.kept": N_("a noté une demande comme tenue"),
    "request.broken": N_("a noté une demande comme non tenue"),
    "request.withdrawn": N_("a retiré une demande"),
    "request.beyond_policy": N_("a décidé au-delà des règles"),
    "payment.recorded": N_("a enregistré un paiement"),
    "list.imported": N_("a importé une liste"),
    "demo.loaded": N_("a chargé les clients fictifs"),
    "demo.desk_loaded": N_("a chargé les conseillers fictifs et leurs conversations"),
    "campaign.create": N_("a créé une campagne"),
    "campaign.start": N_("a lancé une campagne"),
    "campaign.pause": N_("a suspendu une campagne"),
    "campaign.resume": N_("a repris une campagne"),
    "campaign.cancel": N_("a annulé une campagne"),
    "campaign.done": N_("a terminé une campagne"),
    "key.issued": N_("a créé une clé d’accès"),
    "key.revoked": N_("a retiré une clé d’accès"),
    "key.rotated": N_("a renouvelé une clé d’accès"),
    "webhook.added": N_("a ajouté une adresse à prévenir"),
    "webhook.enabled": N_("a réactivé une adresse à prévenir"),
    "webhook.disabled": N_("a désactivé une adresse à prévenir"),
    "webhook.removed": N_("a retiré une adresse à prévenir"),
    "canned_answer.added": N_("a ajouté une réponse prête"),
    "canned_answer.changed": N_("a modifié une réponse prête"),
    "canned_answer.removed": N_("a supprimé une réponse prête"),
    "sign_in": N_("s’est connecté"),
    "sign_in.failed": N_("n’a pas réussi à se connecter"),
    "sign_in.locked": N_("a été bloqué après trop d’essais"),
    "sign_out": N_("s’est déconnecté"),
    "sign_out.others": N_("a déconnecté ses autres appareils"),
    "user.created": N_("a créé un compte"),
    "user.changed": N_("a modifié un compte"),
    "user.described": N_("a modifié son compte"),
    "user.disabled": N_("a fermé un compte"),
    "user.enabled": N_("a rouvert un compte"),
    "user.linked": N_("a relié son compte au fournisseur d’identité"),
    "user.password_set": N_("a choisi un mot de passe"),
    "user.second_factor_set": N_("a activé le second facteur"),
    "user.second_factor_reset": N_("a retiré le second facteur"),
    "team.created": N_("a créé une équipe"),
    "team.changed": N_("a modifié une équipe"),
    "team.members": N_("a changé les membres d’une équipe"),
    "team.removed": N_("a supprimé une équipe"),
    "data.purged": N_("a supprimé ce qui n’est plus à conserver"),
    "database.restored": N_("a rétabli la base de données depuis une sauvegarde"),
}
KINDS: Mapping[str, str] = {
    "conversation:": N_("Les clients"),
    "key:": N_("Les clés d’accès"),
    "user:": N_("Toutes les personnes"),
}
"""Groups of actors, by how the audit's word for them begins."""
SYSTEMS: Mapping[str, str] = {
    "command": N_("Ligne de commande"),
    "announcer": N_("Campagnes"),
    "deadlines": N_("Échéances"),
    "demo": N_("Démonstration"),
    "purge": N_("Durées de conservation"),
    "webhooks": N_("Envois vers les systèmes"),
}
SUBJECTS: Mapping[str, str] = {
    "conversation": N_("Conversation"),
    "contract": N_("Contrat"),
    "request": N_("Demande"),
    "reading": N_("Relevé"),
    "user": N_("Compte"),
    "team": N_("Équipe"),
    "key": N_("Clé"),
    "webhook": N_("Adresse à prévenir"),
    "campaign": N_("Campagne"),
    "canned_answer": N_("Réponse prête"),
    "message": N_("Message"),
    "payment": N_("Paiement"),
    "list": N_("Liste"),
    "conversations": N_("Toutes les conversations"),
    "audit": N_("Journal"),
    "examples": N_("Exemples"),
    "database": N_("Base de données"),
    "data": N_("Données"),
}


def action_words(action: str) -> str:
    return ACTIONS.get(action, action)


def subject_words(subject: str) -> tuple[str, str]:
    """What kind of thing a subject is, in French, and which one."""
    kind, _, which = subject.partition(":")
    return SUBJECTS.get(kind, kind), which


def subject_address(subject: str) -> str | None:
    """The page that shows a subject."""
    kind, _, which = subject.partition(":")
    if kind == "conversation" and which.isdecimal():
        return f"/desk/conversations/{which}"
    if kind == "contract" and which.isalnum():
        return f"/desk/contracts/{which}"
    return None


def customer_of(actor: str) -> str | None:
    """The conversation's number, when a customer acted."""
    kind, _, which = actor.partition(":")
    return which if kind == "conversation" and which else None
