"""Questions that several kinds of requests ask: in which commune, and which telephone number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import phonenumbers
from rasa_sdk.executor import CollectingDispatcher

from actions.casework import Case, is_words
from actions.message import Message
from actions.speech import say
from actions.turn import Turn

TRIES = 2
"""Communes that we do not know, after which the case goes on without one."""


@dataclass
class CommuneCase(Case):
    """A case about a commune, by its canonical French name; `misses` counts the answers that named none."""

    commune: str | None = None
    misses: int = 0

    @property
    def may_ask_commune(self) -> bool:
        return self.misses < TRIES

    def absorb_commune(
        self,
        dispatcher: CollectingDispatcher,
        message: Message,
        *,
        is_answer: Callable[[Message], bool] = is_words,
        each_miss_said: bool = True,
    ) -> bool:
        """Take the commune that answers the question. False when the message is about something else.

        The last miss may be passed over in silence, where what follows says enough.
        """
        self.commune = message.first("commune")
        if self.commune is not None:
            return True
        if not is_answer(message):
            return False
        self.misses += 1
        if each_miss_said or self.may_ask_commune:
            say(dispatcher, "utter_commune_unknown")
        return True


@dataclass
class PhoneCase(Case):
    """A case that somebody will call about; `phone` is E.164."""

    phone: str | None = None

    def absorb_phone(self, turn: Turn, dispatcher: CollectingDispatcher, message: Message) -> bool:
        """Take a number that was shared or typed. False when the message has no digits at all."""
        self.phone = turn.shared_phone or phone_in(message.text, turn.operator.country)
        if self.phone is None and any(character.isdecimal() for character in message.text):
            say(dispatcher, "utter_not_a_phone")
            return True
        return self.phone is not None


def phone_in(text: str, country: str) -> str | None:
    """The first phone number of a text as +212…; one without a prefix belongs to `country` (ISO code)."""
    numbers = phonenumbers.PhoneNumberMatcher(text, country, leniency=phonenumbers.Leniency.VALID)
    found = next(iter(numbers), None)
    return None if found is None else phonenumbers.format_number(found.number, phonenumbers.PhoneNumberFormat.E164)
