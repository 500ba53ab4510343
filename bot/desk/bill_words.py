"""A bill in words, as a picture and as a copy: the very ones that the assistant gives to its customer.

What the assistant says is made by `actions.explaining` within a turn; here it is one that nobody took, in the
language of whoever reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy.ext.asyncio import AsyncSession

from actions.account import LANGUAGES
from actions.bill_copies import copy_of
from actions.billed import NotRecomputable
from actions.explaining import tell_basis, tell_changes
from actions.operator import Operator
from actions.turn import Turn
from billing.explanation import NothingToCompare
from bot.engine.local_action import SDK_KEYS
from bot.engine.texts import Texts, shown
from store.bills import bills_of
from store.models import Bill, Contract, Conversation

CHANNEL = "whatsapp"
"""Where answers are whole and have their picture: on SMS they are cut short."""


class NoSuchBill(LookupError):
    """The contract has no such bill among those that are looked at."""


@dataclass(frozen=True, slots=True)
class BillExplanation:
    """Sentences in the reader's language, and the order of the picture (`bot.sending.attachments`), if there can be
    one.

    Without `is_compared` there are only the first words: whether the bill was read or estimated.
    """

    sentences: tuple[str, ...]
    picture: Mapping[str, Any] | None
    is_compared: bool


class BillWords:
    """Words about bills, in any language that customers are answered in; French stands in for others."""

    def __init__(self, texts: Texts, operator: Operator) -> None:
        self._texts = texts
        self._operator = operator

    async def explanation(
        self, session: AsyncSession, contract: Contract, number: str, language: str, now: datetime
    ) -> BillExplanation:
        """Why bill `number` is what it is. `contract` has its meters and customer. Raises `NoSuchBill`."""
        bills = await _bills_up_to(session, contract, number)
        turn = self._turn(session, language, now)
        dispatcher = CollectingDispatcher()
        is_compared = True
        try:
            tell_changes(dispatcher, turn, contract, bills)
        except (NothingToCompare, NotRecomputable):
            is_compared = False
            dispatcher.messages.clear()
            tell_basis(dispatcher, contract, bills[-1])
        said = [message for message in dispatcher.messages if not message["buttons"]]
        orders = [message["attachment"] for message in dispatcher.messages if message["attachment"]]
        return BillExplanation(
            sentences=tuple(self._sentence(message, turn.language) for message in said),
            picture=self._spelled_order(orders[0], turn.language) if orders else None,
            is_compared=is_compared,
        )

    async def copy(
        self, session: AsyncSession, contract: Contract, number: str, language: str, now: datetime
    ) -> Mapping[str, Any]:
        """The order for a copy of bill `number`. Raises `NoSuchBill`, and `NotRecomputable` without its details."""
        bills = await _bills_up_to(session, contract, number)
        turn = self._turn(session, language, now)
        return self._spelled_order(await copy_of(turn, contract, bills[-1]), turn.language)

    def _turn(self, session: AsyncSession, language: str, now: datetime) -> Turn:
        return Turn(
            session=session,
            conversation=Conversation(channel=CHANNEL, address=""),
            message_id=0,
            now=now,
            operator=self._operator,
            language=language if language in LANGUAGES else "fr",
        )

    def _sentence(self, message: Mapping[str, Any], language: str) -> str:
        params = {name: value for name, value in message.items() if name not in SDK_KEYS}
        return str(self._texts.render(message["response"], language, CHANNEL, params)["text"])

    def _spelled_order(self, order: Mapping[str, Any], language: str) -> Mapping[str, Any]:
        return {**order, "spec": self._spelled(order["spec"], language)}

    def _spelled(self, value: Any, language: str) -> Any:
        """`value` with its words said and its dates and decimals written; whole numbers stay for drawing."""
        match value:
            case {"response": str(name), "params": dict(params)}:
                return self._texts.render(name, language, CHANNEL, params)["text"]
            case dict():
                return {key: self._spelled(each, language) for key, each in value.items()}
            case list() | tuple():
                return [self._spelled(each, language) for each in value]
            case Decimal() | date():
                return shown(value, language)
        return value


async def _bills_up_to(session: AsyncSession, contract: Contract, number: str) -> list[Bill]:
    """The bills that bill `number` is held against, oldest first, and the bill itself. Raises `NoSuchBill`."""
    bills: Sequence[Bill] = await bills_of(session, contract.id)
    for position, bill in enumerate(bills, start=1):
        if bill.number == number:
            return list(bills[:position])
    raise NoSuchBill(f"contract {contract.number} has no bill {number}")
