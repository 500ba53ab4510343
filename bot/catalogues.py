"""The catalogues in `locales/`: what there is to translate, what is wrong, and bringing them up to date.

The French source is the responses of `domain.yml`. Each text is an entry whose context says where it is used: the
response's name, with the channel (`utter_x.telegram`) for the variant of one channel, and `utter_x.button` for the
titles of its buttons. `bot.engine.texts` reads the catalogues by the same names.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

from babel.messages import Catalog, Message
from babel.messages.pofile import PoFileError
from ruamel.yaml import YAML

from bot import po_file
from bot.channels import gsm
from bot.channels.text import units
from bot.datacheck import Problem

LANGUAGES = ("ar", "ary", "ary-Latn", "en")
ABOUT = "What the assistant says; the French source is domain.yml."
ARABIC_SCRIPT = frozenset({"ar", "ary"})

TITLES = ("utter_choice_", "utter_intent_", "utter_language_", "utter_menu")
NOT_TITLES = frozenset({"utter_language_changed"})
TITLE_LIMIT = 20
"""Characters of a WhatsApp quick reply; a longer title is cut."""

MOST_PARTS, MOST_ARABIC_PARTS = 2, 3
"""SMS parts that one text may cost: each is paid for."""

SAMPLES = {
    "parts": "3",
    "most": "6",
    "next": "213,00 DH",
    "ways": "- en agence",
    "link": "https://pay.example.ma/?c=10000005&a=640.00&r=F1000000524",
    "value": "48213",
    "repair": "48123",
    "bound": "48100",
    "usage": "1113",
    "usual": "1110",
    "unit": "kWh",
    "days": "30",
    "digits": "5",
    "taken_on": "11/03/2026",
    "last_on": "09/02/2026",
    "reference": "R-7K3M-X",
    "number": "10000001",
    "contract": "10000001",
    "amount": "1 284,50 DH",
    "count": "2",
    "due_on": "25/03/2026",
    "code": "482913",
    "minutes": "10",
    "position": "12",
    "wait": "25 min",
    "time": "08:30",
    "phone": "080 200 77 77",
    "emergency": "080 200 77 77",
    "rescue": "15",
    "utility": "Électricité",
    "operator": "ONEE",
    "controller": "ONEE",
    "page": "https://www.one.org.ma",
    "total": "1 284,50 DH",
    "previous": "1 048,20 DH",
    "difference": "236,30 DH",
    "start": "24/01/2026",
    "end": "24/02/2026",
    "sign": "+",
    "cause": "Régularisation",
    "less": "2",
    "saved": "110,79 DH",
    "limit": "510",
    "label": "Énergie, tranche 6 (> 510 kWh/mois)",
    "quantity": "1113",
    "rate": "20",
    "advances": "127,01 DH",
    "low": "118,40 DH",
    "high": "141,75 DH",
    "so_far": "98,30 DH",
    "crossing": "67,95 DH",
    "since": "24/01/2026",
    "until": "24/02/2026",
    "on": "11/03/2026",
    "used": "113",
    "left": "37",
    "days_left": "12",
    "percent": "10",
    "commune": "Béni Mellal",
    "name": "Épicerie du Souk",
    "address": "12, rue du Marché",
    "hours": "tous les jours 8h-20h",
    "place": "Place du souk",
    "day": "25/03/2026",
    "begins": "09:00",
    "ends": "12:00",
    "kwh": "12,5",
    "owed": "37,5",
    "bought": "50",
    "to_recover": "17,5",
    "at": "25/03/2026",
    "lines": "25/03/2026 : 12,5 kWh",
    "what": "délai de paiement",
    "state": "en attente",
    "reason": "Un délai est déjà en cours.",
    "requests": "D-4821370568 (délai de paiement) : en attente",
    "messages": "214",
    "readings": "36",
    "contracts": "2",
    "unasked": "Nos messages non demandés : oui.",
    "words": "mon nom est Alaoui",
    "declaration": "D-GC-123/2026",
    "schedule": "15/12/2026 : 213,34 DH\n15/01/2027 : 213,33 DH\n15/02/2027 : 213,33 DH",
}
"""What typically stands for a placeholder: shown to translators, and filled in to measure a text."""
UNKNOWN_SAMPLE = "12345"

PHONES = frozenset({"phone", "emergency"})
LEFT_TO_RIGHT_MARK = "\u200e"
"""Digits in groups change places between Arabic words, and a phone number reads backwards, unless this invisible
character stands before them (Unicode Bidirectional Algorithm, rules W2, W7 and N1).
"""

_SECTION = re.compile(r"\s*# --- (?P<title>.+?)\s*")


def extract(domain_path: Path) -> Catalog:
    """All texts of `domain.yml` in their order, with what a translator should know of each.

    Raises `OSError` or ruamel's `MarkedYAMLError` when the file cannot be read.
    """
    content = domain_path.read_text(encoding="utf-8")
    domain: Any = YAML(typ="rt").load(content)
    sections = [
        (line, match["title"])
        for line, text in enumerate(content.splitlines(), start=1)
        if (match := _SECTION.fullmatch(text))
    ]
    catalogue = Catalog()

    def add(context: str, text: str, line: int, *notes: str) -> None:
        before = bisect_right(sections, line, key=lambda section: section[0])
        where = sections[before - 1 : before]
        limit = [f"A title: at most {TITLE_LIMIT} characters."] if _is_title(context) else []
        catalogue.add(
            text,
            context=context,
            locations=[(domain_path.name, line)],
            auto_comments=[*(title for _, title in where), *notes, *limit, *_samples(text)],
        )

    for name, variations in (domain.get("responses") or {}).items():
        for variation in variations:
            channel = variation.get("channel")
            line = variation.lc.key("text")[0] + 1
            if channel:
                add(f"{name}.{channel}", variation["text"], line, f"Only on {channel}.")
            else:
                add(name, variation["text"], line)
            for button in variation.get("buttons") or ():
                add(f"{name}.button", button["title"], button.lc.key("title")[0] + 1)
    return catalogue


def check(domain_path: Path, locales_dir: Path) -> list[Problem]:
    """Everything that a customer would notice, in the French source and in each catalogue.

    An error is what cannot be said at all; what only falls back to another language or costs too much is not.
    Raises what `extract` raises.
    """
    template = extract(domain_path)
    project = domain_path.parent
    problems: list[Problem] = []
    for message in _entries(template):
        text, (file, line) = _id(message), message.locations[0]
        problems += (
            Problem(file, line or 1, f"{message.context}: {fault}", is_error)
            for fault, is_error in _faults("fr", _context(message), text, text)
        )
    for language in LANGUAGES:
        path = locales_dir / f"{language}.po"
        name = str(path.relative_to(project) if path.is_relative_to(project) else path)
        problems += _catalogue_problems(template, path, name, language)
    return problems


def update(domain_path: Path, locales_dir: Path) -> list[Path]:
    """Bring every catalogue up to date with `domain.yml`, and return the files that changed.

    New texts are added without a translation. Where the French has changed, the translation stays and is marked
    fuzzy: it is not used until someone has looked at it and taken the mark away. Texts that are gone go. The same
    input always gives the same bytes: no dates. Raises what `extract` raises, and `PoFileError`.
    """
    template = extract(domain_path)
    changed: list[Path] = []
    for language in LANGUAGES:
        path = locales_dir / f"{language}.po"
        merged = _merged(template, po_file.read(path) if path.exists() else Catalog())
        if po_file.write(path, merged, language, ABOUT):
            changed.append(path)
    return changed


def _merged(template: Catalog, translated: Catalog) -> Catalog:
    """The template with the translations there are."""
    earlier = {
        message.context: message
        for message in _entries(translated)
        if message.string and template.get(_id(message), message.context) is None
    }
    merged = Catalog()
    for message in _entries(template):
        found = translated.get(_id(message), message.context)
        flags = set(found.flags) & {"fuzzy"} if found else set()
        if (found is None or not found.string) and message.context in earlier:
            found, flags = earlier[message.context], {"fuzzy"}
        merged.add(
            message.id,
            found.string if found else "",
            context=message.context,
            flags=flags,
            auto_comments=message.auto_comments,
            user_comments=found.user_comments if found else (),
        )
    return merged


def _catalogue_problems(template: Catalog, path: Path, name: str, language: str) -> Iterator[Problem]:
    try:
        catalogue = po_file.read(path)
    except FileNotFoundError:
        yield Problem(name, 1, "the catalogue is missing", is_error=False)
        return
    except (PoFileError, UnicodeDecodeError) as error:
        index = error.lineno if isinstance(error, PoFileError) else 0
        reason = str(error).removesuffix(f" on {index}")  # counted from zero
        yield Problem(name, index + 1, f"not a catalogue: {reason}")
        return
    contexts = {message.context: message for message in _entries(catalogue)}
    for message in _entries(template):
        context, source = _context(message), _id(message)
        found = catalogue.get(source, context)
        if found is None:
            earlier = contexts.get(context)
            line = earlier.lineno if earlier and earlier.lineno else 1
            why = "the French text has changed" if earlier else "the text is not there"
            yield Problem(name, line, f"{context}: {why}; bring the catalogues up to date", is_error=False)
            continue
        line = found.lineno or 1
        if not found.string:
            yield Problem(name, line, f"{context}: not translated", is_error=False)
        elif found.fuzzy:
            fault = "marked fuzzy and so not used: compare with the French, then take the mark away"
            yield Problem(name, line, f"{context}: {fault}", is_error=False)
        else:
            for fault, is_error in _faults(language, context, source, str(found.string)):
                yield Problem(name, line, f"{context}: {fault}", is_error)
    known = {message.context for message in _entries(template)}
    for message in _entries(catalogue):
        if message.context not in known:
            fault = "domain.yml no longer has this text; bring the catalogues up to date"
            yield Problem(name, message.lineno or 1, f"{message.context}: {fault}", is_error=False)


def _faults(language: str, context: str, source: str, text: str) -> Iterator[tuple[str, bool]]:
    """What is wrong with one text, and whether that keeps it from being said."""
    try:
        wanted, used = _placeholders(source), _placeholders(text)
    except ValueError as error:
        yield f"braces: {error}", True
        return
    if wanted != used:
        for name in sorted(wanted - used):
            yield f"{{{name}}} of the French text is missing", True
        for name in sorted(used - wanted):
            yield f"{{{name}}} is not in the French text", True
        return
    said = text.format_map({name: SAMPLES.get(name, UNKNOWN_SAMPLE) for name in used})
    if _is_title(context):
        if (length := units(said)) > TITLE_LIMIT:
            yield f"a title of {length} characters, at most {TITLE_LIMIT} are shown: {said}", False
        return
    plain = gsm.transliterate(said)
    parts, most = gsm.parts(plain), MOST_PARTS if gsm.is_gsm7(plain) else MOST_ARABIC_PARTS
    if parts > most:
        yield f"an SMS of {parts} parts, {most} should be enough", False
    if language in ARABIC_SCRIPT:
        for name in sorted(used & PHONES):
            if f"{LEFT_TO_RIGHT_MARK}{{{name}}}" not in text:
                yield f"{{{name}}} needs U+200E before it, or the number reads backwards", False


def _is_title(context: str) -> bool:
    return context.endswith(".button") or (context.startswith(TITLES) and context not in NOT_TITLES)


def _placeholders(text: str) -> set[str]:
    """The names in braces. Raises `ValueError` when braces do not match."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _samples(text: str) -> list[str]:
    """A line for each placeholder; none when braces do not match, which `check` reports."""
    try:
        return [f"{{{name}}}: {SAMPLES.get(name, UNKNOWN_SAMPLE)}" for name in sorted(_placeholders(text))]
    except ValueError:
        return []


def _entries(catalogue: Catalog) -> Iterator[Message]:
    """The messages without the header, which Babel keeps among them."""
    return (message for message in catalogue if message.id)


def _id(message: Message) -> str:
    assert isinstance(message.id, str), "no text here has plural forms"
    return message.id


def _context(message: Message) -> str:
    return message.context or ""


def main() -> None:
    """Bring the catalogues up to date with `domain.yml` and print what is left to translate."""
    from bot.settings import PROJECT

    domain, locales = PROJECT / "domain.yml", PROJECT / "locales"
    update(domain, locales)
    for problem in check(domain, locales):
        print(problem)


if __name__ == "__main__":
    main()
