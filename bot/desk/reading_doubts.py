"""Why a reading was doubted, in words with its figures.

A reading keeps only the codes of what was found. The figures are those of the same checks run again on what was
known the moment it came in; where that gives another verdict (readings were taken out since), the code is told
without figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from actions.speech import UNITS
from billing.calendar import local_day
from billing.findings import Code, Finding, Verdict
from billing.quantity import Quantity
from billing.readings import check
from billing.registers import IndexPoint, RegisterFacts
from bot.desk.wording import N_, translate
from bot.desk.words import REGISTERS
from bot.engine.texts import shown
from store.models import Reading, ReadingSource, ReadingState


@dataclass(frozen=True, slots=True)
class Doubt:
    """A sentence in French, to be translated, and what goes into its places, written the reader's way already."""

    text: str
    values: Mapping[str, str] = field(default_factory=dict)


WITHOUT_FIGURES: Mapping[Code, str] = {
    Code.NEGATIVE: N_("Index négatif."),
    Code.TOO_MANY_DIGITS: N_("Plus de chiffres que le cadran n’en a."),
    Code.FUTURE: N_("Daté d’un jour à venir."),
    Code.BEFORE_INSTALLED: N_("Daté d’avant la pose du compteur."),
    Code.BEFORE_LAST: N_("Daté d’avant le dernier vrai relevé."),
    Code.IMPOSSIBLE: N_("Plus que ce que l’installation peut laisser passer."),
    Code.CONTRACT_NUMBER: N_("C’est le numéro du contrat, pas un index."),
    Code.METER_NUMBER: N_("C’est le numéro du compteur, pas un index."),
    Code.SAME_DAY: N_("Un autre index était noté pour ce jour."),
    Code.DUPLICATE: N_("Le même index était déjà noté pour ce jour."),
    Code.ZERO_INDEX: N_("Zéro sur un cadran jamais relevé."),
    Code.ZERO_USAGE: N_("Le même index que la fois précédente : aucune consommation."),
    Code.SAME_AS_ESTIMATE: N_("C’est l’index estimé qui figure sur la facture."),
    Code.LOWER_THAN_LAST: N_("Plus bas que le dernier vrai index."),
    Code.HIGH: N_("Consommation plus forte que d’habitude."),
    Code.LOW: N_("Consommation plus faible que d’habitude."),
    Code.DECIMAL_INCLUDED: N_("Les chiffres rouges ont sans doute été envoyés aussi."),
    Code.SWAPPED_DIGITS: N_("Deux chiffres semblent inversés."),
    Code.EXTRA_DIGIT: N_("Un chiffre semble en trop."),
    Code.MISSING_DIGIT: N_("Un chiffre semble manquer."),
    Code.WRONG_DIGIT: N_("Un chiffre semble faux."),
    Code.OTHER_REGISTER: N_("Ressemble à l’index de l’autre période."),
    Code.ROLLOVER: N_("Le cadran est repassé par zéro."),
    Code.BELOW_ESTIMATE: N_("Moins que ce qui avait été estimé."),
}
WITH_FIGURES: Mapping[Code, str] = {
    Code.TOO_MANY_DIGITS: N_("Plus de chiffres que le cadran, qui en a %(digits)s."),
    Code.BEFORE_LAST: N_("Daté d’avant le dernier vrai relevé, du %(last_on)s."),
    Code.IMPOSSIBLE: N_(
        "%(usage)s %(unit)s en %(days)s jours : l’installation ne peut en laisser passer que %(bound)s."
    ),
    Code.SAME_DAY: N_("Un autre index était noté pour ce jour : %(index)s."),
    Code.ZERO_USAGE: N_("Le même index que la fois précédente : aucune consommation en %(days)s jours."),
    Code.LOWER_THAN_LAST: N_("Plus bas que le dernier vrai index : %(index)s le %(last_on)s."),
    Code.HIGH: N_("%(usage)s %(unit)s en %(days)s jours, alors qu’on en attendait %(bound)s au plus."),
    Code.LOW: N_("%(usage)s %(unit)s en %(days)s jours, alors qu’on en attendait %(bound)s au moins."),
    Code.DECIMAL_INCLUDED: N_("Les chiffres rouges ont sans doute été envoyés aussi : plutôt %(repair)s ?"),
    Code.SWAPPED_DIGITS: N_("Deux chiffres semblent inversés : plutôt %(repair)s ?"),
    Code.EXTRA_DIGIT: N_("Un chiffre semble en trop : plutôt %(repair)s ?"),
    Code.MISSING_DIGIT: N_("Un chiffre semble manquer : plutôt %(repair)s ?"),
    Code.WRONG_DIGIT: N_("Un chiffre semble faux : plutôt %(repair)s ?"),
    Code.OTHER_REGISTER: N_("Ressemble à l’index de l’autre période (%(register)s)."),
    Code.BELOW_ESTIMATE: N_("Moins que ce qui avait été estimé : %(index)s."),
}


def doubts(reading: Reading, facts: RegisterFacts, readings: Sequence[Reading], language: str) -> list[Doubt]:
    """What the checks found in `reading`, as sentences; figures as `language` writes them.

    `facts` are of its register, `readings` all that is known of it, oldest first.
    """
    if not reading.findings:
        return []
    verdict = verdict_of(reading, facts, readings)
    found = {finding.code: finding for finding in verdict.findings}
    codes = [Code(code) for code in reading.findings]
    return [_doubt(code, found.get(code), verdict, facts, language) for code in codes]


def verdict_of(reading: Reading, facts: RegisterFacts, readings: Sequence[Reading]) -> Verdict:
    """The checks of `reading` run again on what was known the moment it came in."""
    known = replace(facts, history=_known_to(reading, readings))
    return check(reading.value, reading.taken_on, local_day(reading.received_at), known)


def _known_to(reading: Reading, readings: Sequence[Reading]) -> tuple[IndexPoint, ...]:
    """What stood when `reading` came in, but for what it corrects."""
    later = {each.id for each in readings if each.received_at > reading.received_at or each.id == reading.id}
    return tuple(
        IndexPoint(each.value, each.taken_on, each.source != ReadingSource.ESTIMATE)
        for each in readings
        if each.id not in later
        and each.state != ReadingState.REJECTED
        and (each.replaced_by_id is None or each.replaced_by_id in later - {reading.id})
    )


def _doubt(code: Code, finding: Finding | None, verdict: Verdict, facts: RegisterFacts, language: str) -> Doubt:
    if finding is None or code not in WITH_FIGURES:
        return Doubt(WITHOUT_FIGURES[code])
    figures = _figures(finding, verdict, facts)
    text = WITH_FIGURES[code]
    values = {name: shown(value, language) for name, value in figures.items() if value is not None}
    if finding.register is not None:
        values["register"] = translate(language, REGISTERS.get(finding.register, finding.register))
    complete = all(f"%({name})s" not in text for name in {*figures, "register"} - set(values))
    return Doubt(text, values) if complete else Doubt(WITHOUT_FIGURES[code])


def _figures(finding: Finding, verdict: Verdict, facts: RegisterFacts) -> dict[str, Any]:
    """Indexes are written as on the dial, amounts of use with the thousands apart."""
    bound, repair = finding.bound, finding.repair
    return {
        "digits": facts.digits,
        "usage": None if verdict.usage is None else Quantity(verdict.usage),
        "days": verdict.days,
        "unit": UNITS[facts.unit],
        "bound": None if bound is None else Quantity(bound),
        "index": None if bound is None else str(bound),
        "repair": None if repair is None else str(repair),
        "last_on": verdict.previous.taken_on if verdict.previous else None,
    }
