"""What the customers of the bench write: six kinds of conversations, each ending with one stored reading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from bench.customers import Customer


@dataclass(frozen=True, slots=True)
class Conversation:
    """One customer's texts in order, and what must be stored when the last one is answered."""

    kind: str
    phone: str
    texts: tuple[str, ...]
    value: int
    state: str

    @property
    def outcome(self) -> tuple[int, str]:
        return self.value, self.state


def conversations(customers: Sequence[Customer], today: date) -> Iterator[Conversation]:
    """One conversation for each customer, the kinds in turn."""
    for number, customer in enumerate(customers):
        yield KINDS[number % len(KINDS)](customer, today)


def _accepted(customer: Customer, today: date) -> Conversation:
    value = customer.usual
    texts = ("Bonjour", "je veux donner mon index", str(value), "merci", "au revoir")
    return Conversation("fr, accepted", customer.phone, texts, value, "accepted")


def _given_again(customer: Customer, today: date) -> Conversation:
    value = customer.usual
    texts = (
        "bonsoir",
        f"bonjour mon index est {customer.surprising(today)}",
        f"pardon c'est {value}",
        "merci beaucoup",
    )
    return Conversation("fr, surprising then put right", customer.phone, texts, value, "accepted")


def _insisted(customer: Customer, today: date) -> Conversation:
    value = customer.surprising(today)
    texts = (f"index {value}", "oui", "où puis-je payer ma facture ?", "merci")
    return Conversation("fr, surprising and insisted on", customer.phone, texts, value, "to_review")


def _interrupted(customer: Customer, today: date) -> Conversation:
    value = customer.usual
    texts = ("je veux envoyer mon relevé", "comment lire mon compteur ?", str(value), "merci")
    return Conversation("fr, a question in the middle", customer.phone, texts, value, "accepted")


def _darija(customer: Customer, today: date) -> Conversation:
    value = customer.usual
    texts = ("salam", "bghit n3ti l'index dyali", f"{value}", "choukran", "bslama")
    return Conversation("ary-Latn, accepted", customer.phone, texts, value, "accepted")


def _arabic(customer: Customer, today: date) -> Conversation:
    value = customer.usual
    texts = ("السلام عليكم", "أريد إرسال قراءة العداد", str(value), "شكرا")
    return Conversation("ar, accepted", customer.phone, texts, value, "accepted")


KINDS = (_accepted, _given_again, _insisted, _interrupted, _darija, _arabic)
