"""A reading from a picture of the meter: whose meter it shows, which number is the index, and what is asked of it.

The picture was looked at before the turn; its lines wait in the store. An index that is read is always put to the
customer, once: as a question of its own, or with the question that the checks raise about it.
"""

from __future__ import annotations

from collections.abc import Sequence

from rasa_sdk.executor import CollectingDispatcher

from actions.drafts import Doubt, Draft
from actions.speech import button, say, yes_or_no
from actions.supply import Supply, supply_of
from actions.turn import Turn
from billing.findings import Verdict
from billing.photographed import SeenLine, index_seen, shows_cubic_metres, shows_meter
from store.models import Billing, Contract, Unit, Utility
from store.photos import lines_of

READ = "photo"
"""The doubt of an index that was read in a picture: is it right?"""
DIFFERS = "photo_differs"
"""The doubt of a number that was typed with a picture in which another one is read."""
DOUBTS = frozenset({READ, DIFFERS})


def take(draft: Draft, turn: Turn) -> bool:
    """Note the picture that came with this message; False when none did."""
    if turn.photo is None:
        return False
    draft.photo = turn.message_id
    draft.looked = False
    return True


async def shown_contract(draft: Draft, contracts: Sequence[Contract], turn: Turn) -> Contract | None:
    """The one of several contracts whose meter is in the draft's picture: by the meter's number, else by its unit."""
    if draft.photo is None or draft.looked:
        return None
    lines = await _lines(draft.photo, turn)
    shown = [each for each in contracts if _number_is_shown(each, lines)]
    if not shown and (is_water := shows_cubic_metres(lines)) is not None:
        wanted = Utility.WATER if is_water else Utility.ELECTRICITY
        shown = [each for each in contracts if each.utility is wanted and each.billing is Billing.POSTPAID]
    return shown[0] if len(shown) == 1 else None


async def put_to_registers(draft: Draft, supply: Supply, dispatcher: CollectingDispatcher, turn: Turn) -> bool:
    """Hold the draft's picture, once, against the registers; True when a question was raised by it.

    An index that is read fills what is still missing; where it differs from what was typed, the customer is asked.
    """
    if draft.photo is None or draft.looked:
        return False
    draft.looked = True
    seen = await _indexes(draft, supply, turn)
    for code, verdict in seen.items():
        typed = draft.values.get(code)
        if typed is None:
            draft.values[code] = verdict.value
            draft.read.append(code)
        elif typed != verdict.value:
            draft.doubt = Doubt(code, DIFFERS, typed, repair=verdict.value)
            return True
    if not seen and any(code not in draft.values for code in supply.codes):
        draft.refusals += 1
        say(dispatcher, "utter_photo_unreadable")
        if draft.refusals >= turn.operator.readings.tries:
            say(dispatcher, "utter_offer_agent")
    return False


async def proposals(contracts: Sequence[Contract], turn: Turn) -> list[int]:
    """The indexes that an agent is shown beside a picture sent to people; only where one meter may be meant."""
    draft = Draft(photo=turn.message_id)
    contract = contracts[0] if len(contracts) == 1 else await shown_contract(draft, contracts, turn)
    supply = None if contract is None else await supply_of(turn, contract)
    if supply is None:
        return []
    return [verdict.value for verdict in (await _indexes(draft, supply, turn)).values()]


def ask(dispatcher: CollectingDispatcher, doubt: Doubt) -> None:
    """Put a doubt of `DOUBTS` to the customer."""
    value, repair = str(doubt.value), str(doubt.repair)
    if doubt.code == READ:
        say(dispatcher, "utter_ask_photo", buttons=yes_or_no(), value=value)
        return
    choices = [
        button("utter_choice_repair", "affirm", repair=repair),
        button("utter_choice_keep", "deny", value=value),
    ]
    say(dispatcher, "utter_ask_photo_differs", buttons=choices, value=value, repair=repair)


def settle(draft: Draft, doubt: Doubt, *, is_right: bool) -> None:
    """Close a doubt of `DOUBTS`. `is_right` is what was said of the index in the picture; the checks come after."""
    if is_right and doubt.repair is not None:
        draft.values[doubt.register] = doubt.repair
    elif not is_right and doubt.repair is None:
        draft.forget(doubt.register)
        draft.asking = doubt.register
    if doubt.register in draft.read:
        draft.read.remove(doubt.register)


async def _indexes(draft: Draft, supply: Supply, turn: Turn) -> dict[str, Verdict]:
    """The index that the picture shows for each register; of several registers only what the history speaks for."""
    assert draft.photo is not None
    lines = await _lines(draft.photo, turn)
    is_water = shows_cubic_metres(lines)
    if is_water is not None and is_water != (supply.registers[0].unit is Unit.CUBIC_METRE):
        return {}
    replaced = frozenset(draft.replaces.values())
    several = len(supply.codes) > 1
    found: dict[str, Verdict] = {}
    for code in supply.codes:
        facts = supply.facts(code, replaced)
        taken_on = draft.date or turn.written_on or turn.today
        verdict = index_seen(lines, facts, taken_on, turn.today, only_usual=several)
        if verdict is not None:
            found[code] = verdict
    values = [verdict.value for verdict in found.values()]
    return {code: verdict for code, verdict in found.items() if values.count(verdict.value) == 1}


async def _lines(message_id: int, turn: Turn) -> Sequence[SeenLine]:
    """What the picture of a message shows; nothing once the picture is no longer kept."""
    if turn.photo is not None and message_id == turn.message_id:
        return turn.photo
    return [SeenLine.of(line) for line in await lines_of(turn.session, message_id) or ()]


def _number_is_shown(contract: Contract, lines: Sequence[SeenLine]) -> bool:
    return any(meter.removed_on is None and shows_meter(lines, meter.number) for meter in contract.meters)
