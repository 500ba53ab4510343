"""Taking a meter reading: from "48213" to a stored index with its reference.

`StartReading` opens a draft with whatever the first message holds, `ValidateReadingForm` moves it on message by
message, the `Ask…` actions put the question that is open, `RecordReading` stores the result. A suspicious
reading is never changed nor dropped: it is asked about, and kept for review if the customer insists.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import SystemRandom
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import photographed
from actions.coming_bill import UNSURE, coming_bill
from actions.contract_choice import ask_which
from actions.drafts import Doubt, Draft
from actions.forms import is_answering
from actions.message import Message
from actions.speech import UNITS, button, say, yes_or_no
from actions.supply import Supply, senders_contracts, supply_of
from actions.turn import Turn, current_turn
from billing.findings import Code, Finding, Severity, Verdict
from billing.readings import check
from billing.reference import new_reference
from store.bills import bills_of
from store.models import BillBasis, Billing, Contract, Reading, ReadingSource, ReadingState
from store.readings import last_sent_by_customer, record

FORM = "reading_form"
_random = SystemRandom()

LABELS = {"total": "utter_register_total", "peak": "utter_register_peak", "off_peak": "utter_register_off_peak"}
REFUSALS = {
    Code.NEGATIVE: "utter_reading_negative",
    Code.TOO_MANY_DIGITS: "utter_reading_too_many_digits",
    Code.FUTURE: "utter_reading_future",
    Code.BEFORE_INSTALLED: "utter_reading_before_installed",
    Code.BEFORE_LAST: "utter_reading_before_last",
    Code.IMPOSSIBLE: "utter_reading_impossible",
    Code.CONTRACT_NUMBER: "utter_reading_contract_number",
    Code.METER_NUMBER: "utter_reading_meter_number",
}
QUESTIONS = {
    Code.HIGH: "utter_ask_high",
    Code.LOW: "utter_ask_low",
    Code.ZERO_USAGE: "utter_ask_zero_usage",
    Code.ZERO_INDEX: "utter_ask_zero_index",
    Code.LOWER_THAN_LAST: "utter_ask_lower",
    Code.SAME_DAY: "utter_ask_same_day",
    Code.SAME_AS_ESTIMATE: "utter_ask_same_as_estimate",
    Code.OTHER_REGISTER: "utter_ask_other_register",
}
WRONG_DATE = {Code.FUTURE, Code.BEFORE_INSTALLED, Code.BEFORE_LAST}


class StartReading(Action):
    """The customer wants to give a reading: keep what they said, find out who they are."""

    def name(self) -> str:
        return "action_start_reading"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        draft = Draft()
        _absorb_content(draft, Message.of(tracker))
        photographed.take(draft, current_turn())
        return await _open_form(draft)


class CorrectReading(Action):
    """The customer made a mistake in a reading just sent: take it again; the old one will stay, as replaced."""

    def name(self) -> str:
        return "action_correct_reading"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        draft = Draft()
        _absorb_content(draft, Message.of(tracker))
        photographed.take(draft, turn)
        contracts = await senders_contracts(turn)
        since = turn.now - timedelta(days=turn.operator.readings.correction_days)
        sent = await last_sent_by_customer(turn.session, [contract.id for contract in contracts], since)
        if sent:
            contract, codes = _contract_of(contracts, sent)
            draft.contract = contract.number
            draft.replaces = {codes[reading.register_id]: reading.reference for reading in sent}
            draft.taken_on = draft.taken_on or sent[0].taken_on.isoformat()
        elif contracts:
            say(dispatcher, "utter_nothing_to_correct")
        return await _open_form(draft)


async def _open_form(draft: Draft) -> list[EventType]:
    if await senders_contracts(current_turn()):
        return [SlotSet("draft", draft.dump()), FollowupAction(FORM)]
    return [SlotSet("draft", draft.dump()), SlotSet("wish", "reading"), FollowupAction("identity_form")]


def _contract_of(contracts: list[Contract], sent: list[Reading]) -> tuple[Contract, dict[int, str]]:
    """The contract that readings belong to, and the code of each of its registers."""
    for contract in contracts:
        codes = {register.id: register.code.value for meter in contract.meters for register in meter.registers}
        if sent[0].register_id in codes:
            return contract, codes
    raise LookupError("a reading of none of the sender's contracts")


class ValidateReadingForm(Action):
    """Moves the draft on: takes what the message brings, checks it, and says which question is next."""

    def name(self) -> str:
        return f"validate_{FORM}"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        draft = Draft.load(tracker.get_slot("draft"))
        asked = tracker.get_slot("requested_slot")
        answering = is_answering(tracker, FORM)
        has_photo = bool(asked) and answering and photographed.take(draft, turn)
        if has_photo and draft.doubt is not None:
            draft.asking = draft.doubt.register
            draft.forget(draft.doubt.register)  # another picture, taken better, answers the doubt
        if asked and answering and not _absorb(draft, Message.of(tracker), asked) and not has_photo:
            return []  # the form rejects, and the rule for the customer's question applies
        if draft.doubt is not None and not answering:
            # Back from another question: the doubt stands until the customer settles it.
            return [SlotSet("draft", draft.dump()), SlotSet("requested_slot", "reading_confirmed")]
        step = await _advance(draft, dispatcher, turn)
        return [SlotSet("draft", draft.dump()), SlotSet("requested_slot", step)]


def _absorb(draft: Draft, message: Message, asked: str) -> bool:
    """Take what `message` says about the question that was asked. False when it is about something else."""
    if asked == "reading_confirmed" and draft.doubt is not None:
        doubt = draft.doubt
        given = message.readings
        if given and {each.value for each in given} == {doubt.value} and doubt.code != Code.SAME_DAY:
            _settle(draft, keep=True)  # the same number sent again is an answer too
            return True
        if given:
            draft.forget(doubt.register)
            draft.asking = doubt.register
            return _absorb_content(draft, message)
        if message.intent in ("affirm", "deny"):
            said_yes = message.intent == "affirm"
            _settle(draft, keep=said_yes if doubt.repair is None else not said_yes)
            return True
        return False
    return _absorb_content(draft, message)


def _settle(draft: Draft, *, keep: bool) -> None:
    """Close the open doubt: keep the value as given, or take the repair, or ask for it again."""
    doubt = draft.doubt
    assert doubt is not None
    draft.doubt = None
    if doubt.code in photographed.DOUBTS:
        photographed.settle(draft, doubt, is_right=keep if doubt.repair is None else not keep)
    elif keep and doubt.standing is not None:
        draft.replaces[doubt.register] = doubt.standing  # the checks now compare with the day before
    elif keep and not doubt.refused:
        draft.insisted.append(doubt.register)
    elif doubt.standing is not None and doubt.bound is not None:
        draft.values[doubt.register] = doubt.bound  # the reading that stands is kept
    elif doubt.repair is not None and not keep:
        draft.values[doubt.register] = doubt.repair
    else:
        draft.forget(doubt.register)
        draft.asking = doubt.register


def _absorb_content(draft: Draft, message: Message) -> bool:
    """Take numbers, date, contract and utility from a message. False when there is none of them."""
    found = False
    readings = message.readings
    if message.contract is not None and (not readings or (draft.contract is None and len(readings) > 1)):
        draft.contract = message.contract
        found = True
    utilities = {str(each) for each in message.values("utility")}
    if len(utilities) == 1 and (draft.contract is None or _says_only_that(message)):
        draft.utility = utilities.pop()
        draft.contract = None  # chosen anew among the sender's contracts
        found = True
    if (taken_on := message.taken_on) is not None:
        draft.taken_on = taken_on.isoformat()
        found = found or bool(readings)
    if readings:
        draft.loose = [reading.as_dict() for reading in readings]
        found = True
    return found


def _says_only_that(message: Message) -> bool:
    """Whether a message is a bare word or two, such as "the water": an answer, whatever else it may mean."""
    return len(message.text.split()) <= 2 and len(message.entities) == 1


async def _advance(draft: Draft, dispatcher: CollectingDispatcher, turn: Turn) -> str | None:
    """The slot to ask for next, or None when the draft is complete or cannot go on."""
    contract = await _chosen_contract(draft, turn)
    if contract is None:
        return "contract_choice"
    supply = await supply_of(turn, contract)
    if supply is None or contract.billing == Billing.PREPAID:
        say(dispatcher, "utter_reading_prepaid" if supply else "utter_no_meter", contract=contract.number)
        draft.contract = None
        draft.values = {}
        return None
    _assign(draft, supply)
    if await photographed.put_to_registers(draft, supply, dispatcher, turn):
        return "reading_confirmed"
    if draft.values and draft.taken_on is None and turn.written_on is not None:
        draft.taken_on = turn.written_on.isoformat()  # whatever day it is when they confirm
    for code in supply.codes:
        value = draft.values.get(code)
        if value is None:
            draft.asking = code
            return "reading_value"
        replaced = frozenset(draft.replaces.values())
        verdict = check(value, draft.date or turn.today, turn.today, supply.facts(code, replaced))
        question = await _question(draft, code, verdict, dispatcher, supply, turn)
        if question is not None:
            return question
    return None


async def _chosen_contract(draft: Draft, turn: Turn) -> Contract | None:
    contracts = await senders_contracts(turn)
    if draft.contract is not None:
        named = [contract for contract in contracts if contract.number == draft.contract]
        if named:
            return named[0]
        draft.contract = None
    if draft.utility is not None:
        contracts = [contract for contract in contracts if contract.utility == draft.utility] or contracts
    chosen = contracts[0] if len(contracts) == 1 else await photographed.shown_contract(draft, contracts, turn)
    if chosen is not None:
        draft.contract = chosen.number
    return chosen


def _assign(draft: Draft, supply: Supply) -> None:
    """Give the loose numbers to registers: labelled ones to theirs, the others in the order asked."""
    for given in draft.loose:
        code = given["register"] if given["register"] in supply.codes else None
        if code is None:
            code = draft.asking if draft.asking in supply.codes else None
            draft.asking = None
        if code is None or (code in draft.values and not given["register"]):
            code = next((each for each in supply.codes if each not in draft.values), code)
        if code is not None:
            draft.values[code] = -given["value"] if given["negative"] else given["value"]
    draft.loose = []


async def _question(
    draft: Draft, code: str, verdict: Verdict, dispatcher: CollectingDispatcher, supply: Supply, turn: Turn
) -> str | None:
    """What is left to ask about one register's value, after the checks."""
    worst = worst_of(verdict)
    if Code.DUPLICATE in verdict:
        return None  # nothing new: `RecordReading` says that it is noted already
    if code in draft.read:
        if worst is None:
            draft.doubt = Doubt(code, photographed.READ, verdict.value)
            return "reading_confirmed"
        say(dispatcher, "utter_photo_read", value=str(verdict.value))  # the question below asks for the same yes
    if worst is None:
        return None
    if worst.severity is Severity.REFUSE:
        draft.refusals += 1
        if verdict.repair is None or worst.code in WRONG_DATE:
            say_refusal(dispatcher, worst, verdict, supply)
        draft.forget(code)
        draft.asking = code
        if worst.code in WRONG_DATE:
            draft.taken_on = None
        elif verdict.repair is not None:
            draft.values[code] = verdict.value
            draft.doubt = _doubt(code, worst, verdict)
            return "reading_confirmed"
        if draft.refusals >= turn.operator.readings.tries:
            say(dispatcher, "utter_offer_agent")
        return "reading_value"
    if code in draft.insisted:
        return None
    draft.doubt = _doubt(code, worst, verdict)
    if code in draft.read:
        draft.read.remove(code)
        draft.doubt.repair = None  # slips of the hand explain nothing that nobody typed
    if worst.code is Code.SAME_DAY:
        draft.doubt.standing = supply.readings[code][-1].reference
    return "reading_confirmed"


def _doubt(register: str, worst: Finding, verdict: Verdict) -> Doubt:
    return Doubt(
        register=register,
        code=worst.code.value,
        value=verdict.value,
        repair=verdict.repair,
        usage=verdict.usage,
        days=verdict.days,
        usual=verdict.usual_month,
        bound=worst.bound,
        other_register=worst.register,
        refused=worst.severity is Severity.REFUSE,
    )


def worst_of(verdict: Verdict) -> Finding | None:
    """The first finding that stands in the way of taking the reading as it is."""
    for severity in (Severity.REFUSE, Severity.CONFIRM):
        for finding in verdict.findings:
            if finding.severity is severity:
                return finding
    return None


def say_refusal(dispatcher: CollectingDispatcher, finding: Finding, verdict: Verdict, supply: Supply) -> None:
    """Why an index cannot be taken."""
    last_on = verdict.previous.taken_on if verdict.previous else _last_real_day(supply)
    say(
        dispatcher,
        REFUSALS.get(finding.code, "utter_reading_not_understood"),
        value=str(verdict.value),
        digits=supply.meter.digits,
        bound=finding.bound or 0,
        days=verdict.days or 0,
        last_on=last_on or supply.meter.installed_on,
        unit=unit_of(supply),
    )


def _last_real_day(supply: Supply) -> date | None:
    dates = [
        reading.taken_on
        for readings in supply.readings.values()
        for reading in readings
        if reading.source != ReadingSource.ESTIMATE
    ]
    return max(dates, default=None)


def unit_of(supply: Supply) -> str:
    """The unit that its registers count in, as customers read it."""
    return UNITS[supply.registers[0].unit]


class AskContractChoice(Action):
    """Several contracts: which one?"""

    def name(self) -> str:
        return f"action_ask_{FORM}_contract_choice"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        contracts = await senders_contracts(current_turn())
        ask_which(dispatcher, "identify", contracts, {})
        return []


class AskReadingValue(Action):
    """Ask for the index of the register that is missing."""

    def name(self) -> str:
        return f"action_ask_{FORM}_reading_value"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        draft = Draft.load(tracker.get_slot("draft"))
        turn = current_turn()
        contracts = await senders_contracts(turn)
        contract = next((each for each in contracts if each.number == draft.contract), None)
        if draft.asking in ("peak", "off_peak"):
            say(dispatcher, f"utter_ask_reading_{draft.asking}")
        elif contract is not None and contract.utility == "water":
            say(dispatcher, "utter_ask_reading_water")
        else:
            say(dispatcher, "utter_ask_reading")
        return []


class AskReadingConfirmed(Action):
    """Put the doubt to the customer: did you mean …? is it really …?"""

    def name(self) -> str:
        return f"action_ask_{FORM}_reading_confirmed"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        draft = Draft.load(tracker.get_slot("draft"))
        doubt = draft.doubt
        if doubt is None:
            return []
        if doubt.code in photographed.DOUBTS:
            photographed.ask(dispatcher, doubt)
            return []
        turn = current_turn()
        contracts = await senders_contracts(turn)
        contract = next(each for each in contracts if each.number == draft.contract)
        numbers: dict[str, Any] = {
            "value": str(doubt.value),
            "usage": doubt.usage or 0,
            "days": doubt.days or 0,
            "usual": doubt.usual or 0,
            "bound": str(doubt.bound or 0),
            "unit": "m³" if contract.utility == "water" else "kWh",
        }
        if doubt.repair is not None:
            compared = doubt.usage is not None and doubt.days and doubt.usual and not doubt.refused
            keep = (
                button("utter_choice_no", "deny")
                if doubt.refused
                else button("utter_choice_keep", "deny", value=str(doubt.value))
            )
            say(
                dispatcher,
                "utter_ask_repair_high" if compared else "utter_ask_repair",
                buttons=[button("utter_choice_repair", "affirm", repair=str(doubt.repair)), keep],
                repair=str(doubt.repair),
                **numbers,
            )
        else:
            say(
                dispatcher,
                QUESTIONS.get(Code(doubt.code), "utter_ask_sure") if _has_numbers(doubt) else "utter_ask_sure",
                buttons=yes_or_no(),
                **numbers,
            )
        return []


def _has_numbers(doubt: Doubt) -> bool:
    """Whether the comparison that a question about the amount of use makes can be made."""
    return doubt.code not in (Code.HIGH, Code.LOW) or bool(doubt.usual)


class RecordReading(Action):
    """The draft is complete: store it, tell the reference, the use since the last reading and the period."""

    def name(self) -> str:
        return "action_record_reading"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        draft = Draft.load(tracker.get_slot("draft"))
        done: list[EventType] = [SlotSet("draft", None), SlotSet("wish", None)]
        if draft.contract is None or not draft.values:
            return done  # the form has said why
        contracts = await senders_contracts(turn)
        contract = next(each for each in contracts if each.number == draft.contract)
        supply = await supply_of(turn, contract)
        assert supply is not None
        taken_on = draft.date or turn.today
        replaced = frozenset(draft.replaces.values())
        sure = True
        for code, value in draft.values.items():
            verdict = check(value, taken_on, turn.today, supply.facts(code, replaced))
            sure &= await _record_one(turn, supply, code, verdict, draft, dispatcher)
        turn.supplies.clear()  # what comes after, a second request of the same message too, must see what was stored
        if sure:
            await _tell_what_was_estimated(turn, contract, taken_on, dispatcher)
        return done


async def _tell_what_was_estimated(
    turn: Turn, contract: Contract, taken_on: date, dispatcher: CollectingDispatcher
) -> None:
    """What the days billed on an estimate come to by the index just recorded; nothing is said unless it is sure."""
    latest = await bills_of(turn.session, contract.id, most=1)
    if not latest or latest[0].basis is not BillBasis.ESTIMATED:
        return  # nearly always: nothing more is looked up in the turn of a reading
    supply = await supply_of(turn, contract)
    bills = await bills_of(turn.session, contract.id)
    if supply is None:
        return
    try:
        coming = coming_bill(supply, bills, turn.operator.tariffs, turn.today)
        settled = coming.settled()
    except UNSURE:
        return
    if settled is not None and coming.read_on == taken_on:
        say(
            dispatcher,
            "utter_reading_instead_of_estimate",
            since=coming.since,
            until=coming.billed_to,
            amount=settled.total,
            advances=coming.advances,
        )


async def _record_one(
    turn: Turn, supply: Supply, code: str, verdict: Verdict, draft: Draft, dispatcher: CollectingDispatcher
) -> bool:
    """Store one register's reading and say so. False when it was there before, or is to be reviewed."""
    standing = {reading.reference: reading for reading in supply.readings[code]}
    corrected = standing.get(draft.replaces.get(code, ""))
    several = len(supply.registers) > 1
    same = next(
        (
            reading
            for reading in supply.readings[code]
            if reading.taken_on == verdict.taken_on
            and reading.value == verdict.value
            and reading.source != ReadingSource.ESTIMATE
        ),
        None,
    )
    if same is not None:
        same.photo_id = same.photo_id or draft.photo
        say(
            dispatcher,
            "utter_reading_known",
            value=str(verdict.value),
            reference=same.reference,
            taken_on=same.taken_on,
        )
        return False
    doubtful = verdict.severity is not Severity.ACCEPT and not (
        {finding.code for finding in verdict.findings if finding.severity is Severity.CONFIRM} <= {Code.SAME_DAY}
    )
    reading = Reading(
        reference=new_reference("R", _random),
        register_id=supply.register(code).id,
        value=verdict.value,
        taken_on=verdict.taken_on,
        received_at=turn.now,
        source=ReadingSource.CUSTOMER,
        channel=turn.conversation.channel,
        state=ReadingState.TO_REVIEW if doubtful else ReadingState.ACCEPTED,
        findings=[finding.code.value for finding in verdict.findings],
        message_id=turn.message_id,
        photo_id=draft.photo,
    )
    await record(turn.session, reading, corrected, f"conversation:{turn.conversation.id}")
    params: dict[str, Any] = {
        "reference": reading.reference,
        "value": str(reading.value),
        "taken_on": reading.taken_on,
        "contract": supply.contract.number,
        "unit": unit_of(supply),
        "usage": verdict.usage or 0,
        "days": verdict.days or 0,
        "last_on": verdict.previous.taken_on if verdict.previous else reading.taken_on,
    }
    if several:
        say(dispatcher, LABELS[code])
    if verdict.previous is None or verdict.usage is None:
        say(dispatcher, "utter_reading_first", **params)
    elif corrected is not None:
        say(dispatcher, "utter_reading_corrected", **params)
    else:
        say(dispatcher, "utter_reading_recorded", **params)
    if doubtful:
        say(dispatcher, "utter_reading_to_review")
    return not doubtful
