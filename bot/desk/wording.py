"""The desk's own words: French in templates and code, translated by `locales/desk/LANGUAGE.po`.

`python -m bot.desk.wording` brings the catalogue up to date with the templates and the code, prints what is still to
be translated, and fails while something is.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.support import Translations
from markupsafe import Markup, escape

from bot import po_file
from bot.settings import PROJECT

SOURCE_LANGUAGE = "fr"
TRANSLATED = ("ar",)
LANGUAGES = (SOURCE_LANGUAGE, *TRANSLATED)
DIRECTIONS: Mapping[str, str] = {"fr": "ltr", "ar": "rtl"}
CATALOGUES = PROJECT / "locales" / "desk"
SOURCES = PROJECT / "bot" / "desk"
ABOUT = "The words of the desk; the French source is in bot/desk."

METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS: dict[str, Any] = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
_PLACE = re.compile(r"%\((\w+)\)s")


def N_(text: str) -> str:
    """Mark a French text in Python for translation; a template translates it with `_(text)`."""
    return text


class _French(NullTranslations):
    """The source: nothing to translate, and none is singular as one is."""

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return singular if abs(number) < 2 else plural


@cache
def translations(language: str) -> NullTranslations:
    """The interface's words in `language`, French where it has none. What is marked fuzzy is not used."""
    path = CATALOGUES / f"{language}.po"
    if language == SOURCE_LANGUAGE or not path.exists():
        return _French()
    compiled = io.BytesIO()
    write_mo(compiled, po_file.read(path, language))
    compiled.seek(0)
    translated = Translations(compiled)
    translated.add_fallback(_French())
    return translated


def translate(language: str, text: str, **values: Any) -> str:
    """`text` in `language`, with each `%(name)s` filled from `values`; plain text, for autoescape to escape."""
    return filled(translations(language).gettext(text), values)


def translate_number(language: str, singular: str, plural: str, number: int, **values: Any) -> str:
    """The form of a text that `number` takes; `%(num)s` is the number unless `values` has it."""
    form = translations(language).ngettext(singular, plural, number)
    return filled(form, {"num": number} | values)


def filled(text: str, values: Mapping[str, Any]) -> str:
    """Put `values` into the places of `text`; places without a value and lone percent signs stay.

    A value that is HTML makes the result HTML: then everything else is escaped.
    """
    if any(isinstance(value, Markup) for value in values.values()):
        text, values = escape(text), {name: escape(value) for name, value in values.items()}
        return Markup(_PLACE.sub(lambda place: str(values.get(place[1], place[0])), text))
    return _PLACE.sub(lambda place: str(values.get(place[1], place[0])), text)


# --- the catalogue ------------------------------------------------------------------------------------------


def extract(sources: Path = SOURCES) -> Catalog:
    """Every text of the desk's templates and modules, in the order of their files."""
    catalogue = Catalog()
    found = extract_from_dir(sources, METHODS, keywords=KEYWORDS, options_map={"**.html": {"silent": "false"}})
    for file, line, text, comments, context in sorted(found, key=lambda each: (each[0], each[1])):
        catalogue.add(text, "", locations=[(f"bot/desk/{file}", line)], auto_comments=comments, context=context)
    return catalogue


def update(template: Catalog, directory: Path = CATALOGUES) -> list[Path]:
    """Bring the catalogues up to date, and return the files that changed.

    New texts are added without a translation, those that are gone go. The same input always gives the same bytes.
    Raises Babel's `PoFileError`.
    """
    changed = []
    for language in TRANSLATED:
        path = directory / f"{language}.po"
        translated = po_file.read(path, language) if path.exists() else Catalog()
        if po_file.write(path, _merged(template, translated, language), language, ABOUT, with_files=True):
            changed.append(path)
    return changed


def lacks(template: Catalog, directory: Path = CATALOGUES) -> Iterator[str]:
    """One line for each text that a language lacks, or whose places differ from the French."""
    for language in TRANSLATED:
        catalogue = po_file.read(directory / f"{language}.po", language)
        for message in _entries(template):
            found = catalogue.get(message.id, message.context)
            source = message.id if isinstance(message.id, str) else message.id[1]
            if found is None or found.fuzzy or not _forms(found) or not all(_forms(found)):
                yield f"{language}: not translated: {source}"
            elif any(not _same_places(source, form, len(_forms(found))) for form in _forms(found)):
                yield f"{language}: other places than in French: {source}"


def _same_places(source: str, form: str, forms: int) -> bool:
    """Of several forms, those for one and two may leave the number itself out; anything else must be there."""
    wanted, used = set(_PLACE.findall(source)), set(_PLACE.findall(form))
    return used <= wanted and len(wanted - used) <= (1 if forms > 1 else 0)


def _forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def _entries(catalogue: Catalog) -> Iterator[Message]:
    """The messages without the header, which Babel keeps among them."""
    return (message for message in catalogue if message.id)


def _merged(template: Catalog, translated: Catalog, language: str) -> Catalog:
    merged = Catalog(locale=language)
    for message in _entries(template):
        found = translated.get(message.id, message.context)
        merged.add(
            message.id,
            found.string if found else "",
            context=message.context,
            locations=message.locations,
            flags=set(found.flags) & {"fuzzy"} if found else (),
            auto_comments=message.auto_comments,
            user_comments=found.user_comments if found else (),
        )
    return merged


def main() -> int:
    """Bring the catalogues up to date; 1 while something is not translated."""
    template = extract()
    update(template)
    problems = list(lacks(template))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
