"""What will I pay: the coming bill, by an index, by so many percent less, up to the next tranche, the regularisation.

Told to nobody but the contract's own people, never as a promise, and not at all where the history does not carry it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.coming_bill import UNSURE, ComingBill, coming_bill
from actions.contract_choice import ask_which, identify_first, kept_while_identified, with_bills
from actions.handover import offer_agent
from actions.message import GivenReading, Message
from actions.readings import say_refusal, unit_of, worst_of
from actions.speech import say
from actions.supply import Supply, senders_contracts, supply_of
from actions.turn import Turn, current_turn
from billing.bill import Bill, BillError, Period, Use
from billing.findings import Code, Severity
from billing.forecast import Forecast, Pace, simulate
from billing.next_tranche import NextTranche, to_next_tranche
from billing.readings import check
from store.bills import bills_of
from store.models import Billing, Contract

INTENT = "estimate_bill"
SLOT = "supposition"
PERCENT_EXAMPLE = 10


@dataclass(frozen=True, slots=True)
class Supposition:
    """What the customer wants foreseen. Kept in a slot while they say who they are."""

    contract: str | None = None
    utilities: tuple[str, ...] = ()
    topic: str | None = None
    percent: str | None = None
    readings: tuple[dict[str, Any], ...] = ()
    on: str | None = None
    """The day on which the index is read, ISO; today when None."""

    @classmethod
    def of(cls, message: Message) -> Supposition:
        day = next((each for each in message.entities if each["entity"] == "date"), None)
        return cls(
            contract=message.contract,
            utilities=tuple(str(each) for each in message.values("utility")),
            topic=message.first("topic"),
            percent=message.first("percent"),
            readings=tuple(given.as_dict() for given in message.readings),
            on=None if day is None else str(day.get("future") or day["value"])[:10],
        )

    @classmethod
    def asked(cls, tracker: Tracker) -> Supposition:
        """From the message; from the slot when the message was the last step of an identification."""
        if kept := kept_while_identified(tracker, SLOT):
            return cls(**kept)
        return cls.of(Message.of(tracker))

    @property
    def carried(self) -> dict[str, Any]:
        """The entities of a button that asks the same about one contract. A lone index goes with it."""
        lone = str(self.readings[0]["value"]) if len(self.readings) == 1 else None
        return {"topic": self.topic, "percent": self.percent, "reading": lone, "date": self.on}


class EstimateBill(Action):
    """Say what the coming bill may come to, the way that the message asks for it."""

    def name(self) -> str:
        return "action_estimate_bill"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        asked = Supposition.asked(tracker)
        contracts = with_bills(await senders_contracts(turn), asked.contract, asked.utilities)
        if not contracts:
            return [SlotSet(SLOT, asdict(asked)), *identify_first("forecast", asked.contract)]
        answered = SlotSet(SLOT, None)
        if len(contracts) > 1:
            ask_which(dispatcher, INTENT, contracts, asked.carried)
            return [answered]
        return [answered, *await _foresee(dispatcher, turn, contracts[0], asked)]


async def _foresee(
    dispatcher: CollectingDispatcher, turn: Turn, contract: Contract, asked: Supposition
) -> list[EventType]:
    if contract.billing is Billing.PREPAID:
        say(dispatcher, "utter_balance_prepaid", contract=contract.number)
        return []
    supply = await supply_of(turn, contract)
    if supply is None:
        say(dispatcher, "utter_no_meter", contract=contract.number)
        return []
    try:
        coming = coming_bill(supply, await bills_of(turn.session, contract.id), turn.operator.tariffs, turn.today)
        _answer(Answer(dispatcher, turn, supply, coming), asked)
    except UNSURE:
        return offer_agent(dispatcher, turn, "utter_not_foreseeable", contract=contract.number)
    return []


@dataclass(frozen=True, slots=True)
class Answer:
    """What every answer is made of. A figure is worked out before the first word: then nothing is half said."""

    dispatcher: CollectingDispatcher
    turn: Turn
    supply: Supply
    coming: ComingBill

    def say(self, response: str, **params: Any) -> None:
        params |= {"contract": self.supply.contract.number, "unit": unit_of(self.supply)}
        say(self.dispatcher, response, **params)

    def explain_sign(self, *amounts: Decimal) -> None:
        """What a negative amount means, where one was said."""
        if any(amount < 0 for amount in amounts):
            self.say("utter_negative_is_credit")


def _answer(answer: Answer, asked: Supposition) -> None:
    """By the most precise thing that was said. Raises what `UNSURE` lists."""
    if asked.topic == "tranche":
        _tell_next_tranche(answer)
    elif asked.topic == "regularisation":
        _tell_regularisation(answer)
    elif asked.percent is not None:
        _tell_changed(answer, asked.percent)
    elif asked.readings:
        _tell_by_index(answer, asked)
    else:
        _tell_coming(answer)


def _tell_coming(answer: Answer) -> None:
    coming = answer.coming
    found = coming.forecast(coming.until)
    answer.say(
        "utter_forecast_after_estimate" if coming.estimated else "utter_forecast",
        until=coming.until,
        usage=_used(found.likely.uses),
        advances=coming.advances,
        **_interval(found),
    )
    answer.explain_sign(found.low.total)


def _tell_regularisation(answer: Answer) -> None:
    coming = answer.coming
    if not coming.estimated:
        answer.say("utter_regularisation_none", until=coming.billed_to)
        return
    found = coming.forecast(coming.billed_to)
    response = "utter_regularisation_read" if found.low.total == found.high.total else "utter_regularisation"
    answer.say(response, since=coming.since, until=coming.billed_to, **_interval(found))
    answer.explain_sign(found.low.total, found.likely.total)


def _tell_changed(answer: Answer, percent: str) -> None:
    """A bill of the days to come at the usual pace, and at the other: what was asked for already is not changed."""
    coming = answer.coming
    days_to_come = Period(coming.billed_to, coming.until)
    usual_pace = coming.usual_pace()
    usual = simulate(coming.tariff, days_to_come, usual_pace)
    changed = _changed(answer, days_to_come, usual_pace, percent)
    if changed is None:
        answer.say("utter_percent_impossible", percent=PERCENT_EXAMPLE)
        return
    answer.say(
        "utter_simulated_less" if Decimal(percent) < 0 else "utter_simulated_more",
        percent=abs(int(percent)),
        days=days_to_come.days,
        amount=changed.total,
        usual=usual.total,
        difference=abs(changed.total - usual.total),
    )


def _changed(answer: Answer, period: Period, usual: Pace, percent: str) -> Bill | None:
    """None for a percentage that cannot be: below nothing, or more than the connection can carry."""
    try:
        pace = usual.changed(Decimal(percent))
        power = answer.coming.registers[0].facts.subscribed_kw
        return simulate(answer.coming.tariff, period, pace, subscribed_kw=power)
    except (BillError, InvalidOperation):
        return None


def _tell_next_tranche(answer: Answer) -> None:
    coming, today = answer.coming, answer.turn.today
    used = coming.expected(today).likely
    found = to_next_tranche(coming.tariff, coming.period, used, today)
    if found is None:
        answer.say("utter_no_next_tranche", until=coming.until)
        return
    answer.say(
        "utter_next_tranche_jump" if found.threshold.jumps else "utter_next_tranche_step",
        since=coming.since,
        used=_used(used),
        left=found.left,
        limit=int(found.threshold.limit),
        days=coming.period.days,
        crossing=found.crossing,
    )
    _tell_when(answer, found)


def _tell_when(answer: Answer, found: NextTranche) -> None:
    if found.days_left is None:
        answer.say("utter_next_tranche_not_reached", until=answer.coming.until)
    else:
        answer.say("utter_next_tranche_reached", days_left=found.days_left)


def _tell_by_index(answer: Answer, asked: Supposition) -> None:
    coming = answer.coming
    on = date.fromisoformat(asked.on) if asked.on else answer.turn.today
    indexes = _by_register(asked.readings, answer.supply.codes)
    if indexes is None:
        answer.say("utter_simulated_both")
        return
    if on <= coming.since:
        answer.say("utter_simulated_too_soon", since=coming.since)
        return
    if not _possible(answer, indexes, on):
        return
    uses = coming.uses(indexes, on)
    so_far = coming.bill(uses, on)
    until = max(coming.until, on)
    pace = Pace.of_uses(uses, so_far.period.days)
    whole = simulate(coming.tariff, Period(coming.since, until), pace, advances=coming.advances)
    if until == on:
        response = "utter_simulated_closed"
    else:
        response = "utter_simulated_after_estimate" if coming.estimated else "utter_simulated_index"
    answer.say(
        response,
        value=" / ".join(str(indexes[code]) for code in answer.supply.codes),
        on=on,
        since=coming.since,
        usage=_used(uses),
        advances=coming.advances,
        so_far=so_far.total,
        until=until,
        amount=whole.total,
    )
    answer.explain_sign(so_far.total, whole.total)


def _by_register(given: tuple[dict[str, Any], ...], codes: list[str]) -> dict[str, int] | None:
    """Which index is of which register: by its label, else in the order of the meter; None when one is missing."""
    readings = [GivenReading(**each) for each in given]
    if len(codes) == 1:
        last = readings[-1]
        return {codes[0]: -last.value if last.negative else last.value}
    labelled = {each.register: each.value for each in readings if each.register in codes}
    bare = [each.value for each in readings if each.register is None]
    missing = [code for code in codes if code not in labelled]
    found = labelled | dict(zip(missing, bare, strict=False))
    return {code: found[code] for code in codes} if len(found) == len(codes) else None


def _possible(answer: Answer, indexes: dict[str, int], on: date) -> bool:
    """Whether the meter can show these; says why not."""
    for code, index in indexes.items():
        verdict = check(index, on, max(on, answer.turn.today), answer.supply.facts(code))
        worst = worst_of(verdict)
        if worst is not None and worst.severity is Severity.REFUSE:
            say_refusal(answer.dispatcher, worst, verdict, answer.supply)
            return False
        if Code.LOWER_THAN_LAST in verdict and verdict.previous is not None:
            answer.say("utter_simulated_lower", value=str(index), bound=str(verdict.previous.value))
            return False
    return True


def _interval(found: Forecast) -> dict[str, Decimal]:
    return {"amount": found.likely.total, "low": found.low.total, "high": found.high.total}


def _used(uses: tuple[Use, ...]) -> int:
    return int(sum(use.quantity for use in uses))
