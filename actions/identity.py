"""Who is writing: a registered phone, a shared number, or a contract number with a second factor from a bill.

What an unverified sender learns is nothing: a wrong contract and a wrong factor get the same answer, whether the
contract exists or not. The national identity card is never asked for (law 09-08: holding it needs prior
authorisation).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.forms import is_answering
from actions.handover import hand_over
from actions.message import Message
from actions.speech import say
from actions.supply import senders_contracts
from actions.turn import Notice, Turn, current_turn
from store.models import Contract, Verification
from store.supplies import (
    contract_by_number,
    contracts_registered_for,
    failed_attempts,
    keep_code,
    kept_code,
    last_bill_total,
    note_failed_attempt,
    phones_registered_for,
    prove,
)

FORM = "identity_form"

WISHES = {
    "reading": "reading_form",
    "balance": "action_check_balance",
    "forecast": "action_estimate_bill",
    "bill": "action_explain_bill",
    "complaint": "action_complain",
    "case": "case_form",
    "requests": "action_check_request",
}
"""What the sender wanted before having to say who they are, and the action that goes on with it."""


class Identify(Action):
    """The customer gives a contract number, shares a phone, or says who they are."""

    def name(self) -> str:
        return "action_identify"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        message = Message.of(tracker)
        mine = await senders_contracts(turn)
        if mine and message.contract in (None, *(contract.number for contract in mine)) and not turn.shared_phone:
            say(dispatcher, "utter_already_identified")
            return []
        return [SlotSet("claim", {"contract": message.contract}), FollowupAction(FORM)]


class ValidateIdentityForm(Action):
    """Moves the proof on; the `claim` slot holds the contract number claimed, nothing secret."""

    def name(self) -> str:
        return f"validate_{FORM}"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        claim: dict[str, Any] = dict(tracker.get_slot("claim") or {})
        asked = tracker.get_slot("requested_slot")
        message = Message.of(tracker)
        if turn.shared_phone is not None:
            return await _by_shared_phone(turn, claim, dispatcher)
        if await _locked(turn, claim.get("contract")):
            return await _give_up(turn, claim, dispatcher)
        if is_answering(tracker, FORM) and not await _absorb(turn, claim, asked, message, dispatcher):
            return []
        if claim.get("proved"):
            return _over(claim)
        if await _locked(turn, claim.get("contract")):
            return await _give_up(turn, claim, dispatcher)
        if not claim.get("contract"):
            return [SlotSet("claim", claim), SlotSet("requested_slot", "identity_contract")]
        if _uses_codes(turn) and claim.get("code_for") != claim["contract"]:
            await _send_code(turn, claim["contract"])
            claim["code_for"] = claim["contract"]
        return [SlotSet("claim", claim), SlotSet("requested_slot", "identity_factor")]


async def _absorb(
    turn: Turn, claim: dict[str, Any], asked: str | None, message: Message, dispatcher: CollectingDispatcher
) -> bool:
    """Take a contract number or a second factor. False when the message is about something else."""
    given = message.contract
    if asked == "identity_factor" and given is None:
        factor = _number_in(message.text) if message.amount is None else message.amount
        if factor is None:
            return False
        await _try_factor(turn, claim, factor, dispatcher)
        return True
    if given is None:
        if asked == "identity_contract" and _number_in(message.text) is not None:
            say(dispatcher, "utter_not_a_contract")
            return True
        return False
    claim["contract"] = given
    return True


async def _try_factor(turn: Turn, claim: dict[str, Any], factor: Decimal, dispatcher: CollectingDispatcher) -> None:
    contract = await contract_by_number(turn.session, claim["contract"])
    if contract is not None and await _matches(turn, contract, factor):
        how = Verification.CODE if _uses_codes(turn) else Verification.BILL_AMOUNT
        await _prove(turn, contract, how)
        claim["proved"] = True
        return
    await note_failed_attempt(turn.session, turn.conversation.id, claim["contract"], turn.now)
    say(dispatcher, "utter_identity_mismatch")


async def _prove(turn: Turn, contract: Contract, how: Verification) -> None:
    await prove(turn.session, turn.conversation.id, contract.id, how, turn.now)
    turn.contracts = None


async def _matches(turn: Turn, contract: Contract, factor: Decimal) -> bool:
    if _uses_codes(turn):
        kept = await kept_code(turn.session, turn.conversation.id)
        return (
            kept is not None
            and kept.contract_number == contract.number
            and kept.expires_at >= turn.now
            and factor == factor.to_integral_value()
            and hmac.compare_digest(kept.code_hash, _code_hash(f"{int(factor):06d}", turn.conversation.id))
        )
    total = await last_bill_total(turn.session, contract.id)
    return total is not None and total == factor


def _uses_codes(turn: Turn) -> bool:
    return turn.operator.identification.second_factor == "sms_code"


async def _send_code(turn: Turn, contract_number: str) -> None:
    """Send a fresh code to the contract's registered phones; to nobody, just as quietly, when there is none."""
    code = f"{secrets.randbelow(10**6):06d}"
    minutes = turn.operator.identification.code_minutes
    await keep_code(
        turn.session,
        turn.conversation.id,
        contract_number,
        _code_hash(code, turn.conversation.id),
        turn.now + timedelta(minutes=minutes),
    )
    contract = await contract_by_number(turn.session, contract_number)
    if contract is not None:
        for phone in await phones_registered_for(turn.session, contract.id):
            turn.notices.append(Notice("sms", phone, "utter_code_notice", {"code": code, "minutes": minutes}))


def _code_hash(code: str, conversation_id: int) -> str:
    """Slow enough that a leaked table does not give codes away within their few minutes."""
    return hashlib.scrypt(code.encode(), salt=f"conversation {conversation_id}".encode(), n=2**12, r=8, p=1).hex()


async def _by_shared_phone(turn: Turn, claim: dict[str, Any], dispatcher: CollectingDispatcher) -> list[EventType]:
    assert turn.shared_phone is not None
    contracts = await contracts_registered_for(turn.session, turn.shared_phone)
    for contract in contracts:
        await _prove(turn, contract, Verification.SHARED_PHONE)
    if contracts:
        claim["proved"] = True
        return _over(claim)
    say(dispatcher, "utter_phone_unknown")
    return [SlotSet("claim", claim), SlotSet("requested_slot", "identity_contract")]


async def _locked(turn: Turn, contract_number: str | None) -> bool:
    limits = turn.operator.identification
    by_sender, on_contract = await failed_attempts(
        turn.session, turn.conversation.id, contract_number, turn.now - timedelta(days=1)
    )
    return by_sender >= limits.attempts_per_conversation or on_contract >= limits.attempts_per_contract


async def _give_up(turn: Turn, claim: dict[str, Any], dispatcher: CollectingDispatcher) -> list[EventType]:
    for line in await hand_over(turn, "identification"):
        say(dispatcher, line.response, **line.params)
    claim["proved"] = False
    return _over(claim)


def _over(claim: dict[str, Any]) -> list[EventType]:
    return [SlotSet("claim", claim), SlotSet("requested_slot", None)]


_NUMBER = re.compile(r"\d[\d\s.,٫٬]*")


def _number_in(text: str) -> Decimal | None:
    """The only number in a text as people write amounts: 320,45 or 320.45 or ٣٢٠٫٤٥."""
    found = _NUMBER.findall(text)
    if len(found) != 1:
        return None
    digits = re.sub(r"\s", "", found[0]).strip(".,٫٬").replace("٫", ".").replace("٬", "").replace(",", ".")
    whole, _, fraction = digits.rpartition(".")
    if not whole or len(fraction) > 2:
        whole, fraction = digits, "0"
    try:
        return Decimal(f"{int(whole.replace('.', ''))}.{fraction}")
    except (InvalidOperation, ValueError):
        return None


class AskIdentityContract(Action):
    """Ask for the contract number; on Telegram a button shares the phone instead."""

    def name(self) -> str:
        return f"action_ask_{FORM}_identity_contract"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        say(dispatcher, "utter_ask_contract")
        return []


class AskIdentityFactor(Action):
    """Ask for the second factor that the operator chose."""

    def name(self) -> str:
        return f"action_ask_{FORM}_identity_factor"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        if _uses_codes(turn):
            say(dispatcher, "utter_ask_code", minutes=turn.operator.identification.code_minutes)
        else:
            say(dispatcher, "utter_ask_bill_amount")
        return []


class Identified(Action):
    """The form is over: go on with what the customer wanted."""

    def name(self) -> str:
        return "action_identified"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        claim = tracker.get_slot("claim") or {}
        over: list[EventType] = [SlotSet("claim", None)]
        if not claim.get("proved"):
            return [*over, SlotSet("wish", None), SlotSet("draft", None), SlotSet("case", None)]
        say(dispatcher, "utter_identified")
        wish = tracker.get_slot("wish")
        if wish in WISHES:
            return [*over, SlotSet("wish", None), FollowupAction(WISHES[wish])]
        say(dispatcher, "utter_what_next")
        return over
