"""A reading in doubt as a person weighs it: against the index before and the usual use, and why it was doubted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from actions.speech import UNITS
from actions.supply import Supply
from billing.findings import Code, Verdict
from billing.registers import RegisterFacts
from bot.desk.reading_doubts import Doubt, doubts, verdict_of
from store.models import Reading
from store.reading_reviews import ToReview
from store.readings import STANDING

ABOUT_USE = frozenset(
    {
        Code.HIGH,
        Code.LOW,
        Code.ZERO_USAGE,
        Code.SAME_AS_ESTIMATE,
        Code.SAME_DAY,
        Code.ROLLOVER,
        Code.BELOW_ESTIMATE,
    }
)
"""Findings about how much was used, which a household can. The others say that the number itself may be wrong: such
a reading is looked at by itself, never among several."""
ABOUT_NUMBER = frozenset(Code) - ABOUT_USE
MONTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class ReadingView:
    """`ratio` is the use a month over the usual one, None where either is not known."""

    it: ToReview
    verdict: Verdict
    doubts: list[Doubt]
    unit: str
    ratio: Fraction | None

    @property
    def reading(self) -> Reading:
        return self.it.reading

    @property
    def photo(self) -> str | None:
        """Where the picture is that came with it."""
        if self.reading.photo_id is None or self.it.message is None:
            return None
        return f"/desk/conversations/{self.it.message.conversation_id}/messages/{self.reading.photo_id}/media/0"

    @property
    def may_be_one_of_several(self) -> bool:
        """Whether it may be accepted together with others."""
        return all(Code(code) in ABOUT_USE for code in self.reading.findings)

    @property
    def oddness(self) -> Fraction:
        """How far its use is from the usual one, more or less alike; 0 where nothing is known."""
        if self.ratio is None:
            return Fraction(0)
        return self.ratio if self.ratio >= 1 else 1 / max(self.ratio, Fraction(1, 100))


def view(found: ToReview, language: str) -> ReadingView:
    """`found` with what the checks said of it, figures as `language` writes them."""
    reading = found.reading
    facts, readings = _facts(found), found.history[reading.register_id]
    verdict = verdict_of(reading, facts, readings)
    return ReadingView(
        it=found,
        verdict=verdict,
        doubts=doubts(reading, facts, readings, language),
        unit=UNITS[facts.unit],
        ratio=_ratio(verdict),
    )


def oddest(views: Iterable[ReadingView]) -> ReadingView | None:
    """The one whose use is farthest from the usual."""
    return max(views, key=lambda each: each.oddness, default=None)


def _facts(found: ToReview) -> RegisterFacts:
    """The register as the rules see it; what stands on it is left to who asks."""
    standing = {
        register.code.value: [each for each in found.history[register.id] if each.state in STANDING]
        for register in found.meter.registers
    }
    supply = Supply(found.contract, found.meter, tuple(found.meter.registers), standing)
    return supply.facts(found.reading.register.code.value)


def _ratio(verdict: Verdict) -> Fraction | None:
    if not verdict.usage or not verdict.days or not verdict.usual_month:
        return None
    return Fraction(verdict.usage * MONTH_DAYS, verdict.days * verdict.usual_month)
