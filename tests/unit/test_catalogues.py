"""The customer texts: complete, current, sayable; and the tools that keep them so."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from babel.messages.pofile import read_po
from ruamel.yaml import YAML

from actions.operator import load_operator
from bot import catalogues
from bot.settings import PROJECT
from bot.turns.keywords import plain
from nlu.examples import load
from nlu.normalise import fold

DOMAIN, LOCALES = PROJECT / "domain.yml", PROJECT / "locales"

SMALL_DOMAIN = """\
version: "3.1"
responses:
  # --- readings: questions
  utter_ask_sure:
    - text: "L'index est bien {value} ?"
  utter_choice_agent:
    - text: "Un conseiller"
  # --- who is writing
  utter_ask_contract:
    - text: "Votre contrat ?"
    - text: "Votre contrat, ou le bouton ?"
      channel: telegram
      buttons:
        - title: "Partager mon numéro"
          payload: "share_phone"
  utter_call:
    - text: "Appelez le {phone}."
"""
TRANSLATED = {
    "utter_ask_sure": "Is the reading really {value}?",
    "utter_choice_agent": "An advisor",
    "utter_ask_contract": "Your contract?",
    "utter_ask_contract.telegram": "Your contract, or the button?",
    "utter_ask_contract.button": "Share my number",
    "utter_call": "Call {phone}.",
}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A project with a small domain, and catalogues that are complete."""
    (tmp_path / "domain.yml").write_text(SMALL_DOMAIN, encoding="utf-8")
    locales = tmp_path / "locales"
    locales.mkdir()
    catalogues.update(tmp_path / "domain.yml", locales)
    for language in catalogues.LANGUAGES:
        mark = catalogues.LEFT_TO_RIGHT_MARK if language in catalogues.ARABIC_SCRIPT else ""
        for context, text in TRANSLATED.items():
            translate(locales / f"{language}.po", context, text.replace("{phone}", f"{mark}{{phone}}"))
    return tmp_path


def translate(path: Path, context: str, text: str) -> None:
    """Put `text` where a translator would."""
    entry = re.compile(rf'(msgctxt "{re.escape(context)}"\nmsgid .*\nmsgstr ).*')
    content, count = entry.subn(lambda match: f'{match[1]}"{text}"', path.read_text(encoding="utf-8"), count=1)
    assert count == 1
    path.write_text(content, encoding="utf-8")


def problems(project: Path) -> list[str]:
    return [str(problem) for problem in catalogues.check(project / "domain.yml", project / "locales")]


def line_of(path: Path, words: str) -> int:
    return next(n for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if words in line)


# -- the texts that customers read ------------------------------------------------------------------


def test_every_text_is_translated_and_fits() -> None:
    assert problems(PROJECT) == []


def test_catalogues_are_current(tmp_path: Path) -> None:
    copy = shutil.copytree(LOCALES, tmp_path / "locales")
    assert catalogues.update(DOMAIN, copy) == []


WORDS = {
    # What the French tells customers to type: what that means, and the word in each language.
    "CONSEILLER": (
        "talk_to_agent",
        {"ar": "مستشار", "ary": "مستشار", "ary-Latn": "CONSEILLER", "en": "ADVISOR"},
    ),
    "ANNULER": ("cancel", {"ar": "إلغاء", "ary": "لغي", "ary-Latn": "ANNULER", "en": "NEVER MIND"}),
    "AIDE": ("help", {"ar": "مساعدة", "ary": "عاوني", "ary-Latn": "3AWNI", "en": "MAIN MENU"}),
    "RECHARGE": (
        "recharge_prepaid",
        {"ar": "تعبئة", "ary": "روشارج", "ary-Latn": "RECHARGE", "en": "TOP UP"},
    ),
    "CORRECTION": (
        "correct_reading",
        {
            "ar": "تصحيح القراءة",
            "ary": "بدل القراية",
            "ary-Latn": "BGHIT NSA7E7 L9RAYA",
            "en": "CORRECT MY READING",
        },
    ),
    "ARRET": (None, {"ar": "توقف", "ary": "توقف", "ary-Latn": "ARRET", "en": "ARRET"}),
    "DELAI": ("request_deferral", {"ar": "مهلة", "ary": "مهلة", "ary-Latn": "MOHLA", "en": "MORE TIME"}),
    "REPRENDRE": (None, {"ar": "رجوع", "ary": "رجوع", "ary-Latn": "REJOU3", "en": "RESUME"}),
    "ASSISTANT": (None, {"ar": "المساعد", "ary": "المساعد", "ary-Latn": "ASSISTANT", "en": "ASSISTANT"}),
}
CAPITALS = re.compile(r"\b[A-Z]{4,}\b")
BILINGUAL = "utter_tamazight"  # the same text in every catalogue

TWILIO_KEYWORDS = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "HELP", "INFO"}
    | {"START", "UNSTOP", "YES"}
)
"""Words that Twilio answers itself in an SMS; most of them also bar us from writing again (error 21610):
https://help.twilio.com/articles/223134027"""


def test_translations_name_the_word_to_type_wherever_the_french_does() -> None:
    for language in catalogues.LANGUAGES:
        with (LOCALES / f"{language}.po").open("rb") as file:
            catalogue = read_po(file)
        for message in catalogue:
            if not message.id or message.context == BILINGUAL:
                continue
            for word in CAPITALS.findall(str(message.id)):
                translation = WORDS[word][1][language]
                assert translation in str(message.string), f"{language}: {message.context}"


def test_words_to_type_are_understood() -> None:
    """Each is an example of its intent in that language, or in one whose spelling it shares."""
    sharing = {"ary": ("ary", "ar")}
    known = {(each.language, each.intent, fold(each.text).text) for each in load(PROJECT / "data" / "nlu")}
    for french, (intent, translations) in WORDS.items():
        if intent is None:
            continue
        for language, word in {"fr": french, **translations}.items():
            spellings = {(each, intent, fold(word).text) for each in sharing.get(language, (language,))}
            assert spellings & known, f"{language}: {word} is not an example of {intent}"


def test_words_that_bring_the_assistant_back_do() -> None:
    words = set(WORDS["ASSISTANT"][1].values()) | {"ASSISTANT"}
    for path in (PROJECT / "operators").glob("*.yml"):
        operator = load_operator(path.parent, path.stem)
        assert {word.casefold() for word in words} <= set(operator.conversation.release_words)


def test_words_that_stop_messages_do() -> None:
    words = {plain(word) for word in ("ARRET", *WORDS["ARRET"][1].values())}
    for path in (PROJECT / "operators").glob("*.yml"):
        operator = load_operator(path.parent, path.stem)
        assert words <= set(map(plain, operator.conversation.keywords.stop))


def test_words_that_bring_messages_back_do() -> None:
    words = {plain(word) for word in ("REPRENDRE", *WORDS["REPRENDRE"][1].values())}
    for path in (PROJECT / "operators").glob("*.yml"):
        operator = load_operator(path.parent, path.stem)
        assert words <= set(map(plain, operator.conversation.keywords.start))


def test_no_word_to_type_is_taken_by_the_sms_carrier() -> None:
    assert not TWILIO_KEYWORDS & {
        word for french, (_, others) in WORDS.items() for word in (french, *others.values())
    }


def test_languages_are_those_that_replies_are_written_in() -> None:
    from bot.engine.texts import FALLBACKS, SOURCE_LANGUAGE

    written = {chain[0] for chain in FALLBACKS.values()}
    assert written - {SOURCE_LANGUAGE} == set(catalogues.LANGUAGES)


def test_every_placeholder_has_a_sample() -> None:
    responses = yaml.safe_load(DOMAIN.read_text(encoding="utf-8"))["responses"]
    used = {
        name
        for variations in responses.values()
        for variation in variations
        for name in re.findall(r"\{(\w+)\}", variation["text"])
    }
    assert used == set(catalogues.SAMPLES)


# -- extract ----------------------------------------------------------------------------------------


def test_extract_tells_translators_where_a_text_is_used(small: Path) -> None:
    entries = {
        message.context: (message.locations, list(message.auto_comments))
        for message in catalogues.extract(small / "domain.yml")
        if message.id
    }
    title = "A title: at most 20 characters."
    assert entries == {
        "utter_ask_sure": ([("domain.yml", 5)], ["readings: questions", "{value}: 48213"]),
        "utter_choice_agent": ([("domain.yml", 7)], ["readings: questions", title]),
        "utter_ask_contract": ([("domain.yml", 10)], ["who is writing"]),
        "utter_ask_contract.telegram": (
            [("domain.yml", 11)],
            ["who is writing", "Only on telegram."],
        ),
        "utter_ask_contract.button": ([("domain.yml", 14)], ["who is writing", title]),
        "utter_call": ([("domain.yml", 17)], ["who is writing", "{phone}: 080 200 77 77"]),
    }


# -- check ------------------------------------------------------------------------------------------


def test_complete_catalogues_have_no_problem(small: Path) -> None:
    assert problems(small) == []


@pytest.mark.parametrize(
    ("language", "context", "text", "fault", "is_error"),
    [
        ("en", "utter_ask_sure", "", "not translated", False),
        ("en", "utter_ask_sure", "Is the reading right?", "{value} of the French text is missing", True),
        ("en", "utter_call", "Call {phone} or {email}.", "{email} is not in the French text", True),
        ("en", "utter_call", "Call {phone.", "braces: expected '}' before end of string", True),
        (
            "en",
            "utter_choice_agent",
            "A person of our service",
            "a title of 23 characters, at most 20 are shown: A person of our service",
            False,
        ),
        ("en", "utter_ask_contract", "abc " * 77, "an SMS of 3 parts, 2 should be enough", False),
        ("ar", "utter_ask_contract", "عقد " * 51, "an SMS of 4 parts, 3 should be enough", False),
        (
            "ary",
            "utter_call",
            "عيطو ل {phone}.",
            "{phone} needs U+200E before it, or the number reads backwards",
            False,
        ),
    ],
)
def test_faults_of_a_translation_are_told_with_their_line(
    small: Path, language: str, context: str, text: str, fault: str, is_error: bool
) -> None:
    path = small / "locales" / f"{language}.po"
    translate(path, context, text)
    (problem,) = catalogues.check(small / "domain.yml", small / "locales")
    assert problem.message == f"{context}: {fault}"
    assert problem.file == f"locales/{language}.po"
    assert problem.line == line_of(path, f'msgctxt "{context}"') + 1
    assert problem.is_error is is_error


def test_a_fuzzy_translation_is_told(small: Path) -> None:
    path = small / "locales" / "en.po"
    content = path.read_text(encoding="utf-8")
    path.write_text(content.replace('msgctxt "utter_call"', '#, fuzzy\nmsgctxt "utter_call"'), encoding="utf-8")
    (problem,) = problems(small)
    assert problem.endswith(
        "utter_call: marked fuzzy and so not used: compare with the French, then take the mark away"
    )


def test_the_french_is_checked_too(small: Path) -> None:
    domain = small / "domain.yml"
    long = SMALL_DOMAIN.replace("Un conseiller", "Une personne de chez nous")
    domain.write_text(long, encoding="utf-8")
    catalogues.update(domain, small / "locales")
    assert problems(small)[0] == (
        "domain.yml:7: utter_choice_agent: a title of 25 characters, at most 20 are shown: Une personne de chez nous"
    )


def test_braces_that_do_not_match_in_the_french_are_told(small: Path) -> None:
    broken = SMALL_DOMAIN.replace("{value} ?", "{value ?")
    (small / "domain.yml").write_text(broken, encoding="utf-8")
    first = problems(small)[0]
    assert first == "domain.yml:5: utter_ask_sure: braces: expected '}' before end of string"


def test_a_catalogue_that_is_missing_or_unreadable_is_told(small: Path) -> None:
    (small / "locales" / "ar.po").unlink()
    (small / "locales" / "en.po").write_text("\n<<<<<<< HEAD\n", encoding="utf-8")
    missing, unreadable = problems(small)
    assert missing == "locales/ar.po:1: the catalogue is missing"
    assert unreadable == "locales/en.po:2: not a catalogue: Unknown or misformatted keyword"


def test_changed_and_dropped_texts_are_told_before_an_update(small: Path) -> None:
    changed = SMALL_DOMAIN.replace("Un conseiller", "Une personne").replace("utter_call", "utter_phone")
    (small / "domain.yml").write_text(changed, encoding="utf-8")
    path = small / "locales" / "en.po"
    line = {name: line_of(path, f'"{name}"') + 1 for name in ("utter_choice_agent", "utter_call")}
    advice = "bring the catalogues up to date"
    told = [problem.removeprefix("locales/en.po:") for problem in problems(small) if "/en.po" in problem]
    assert told == [
        f"{line['utter_choice_agent']}: utter_choice_agent: the French text has changed; {advice}",
        f"1: utter_phone: the text is not there; {advice}",
        f"{line['utter_call']}: utter_call: domain.yml no longer has this text; {advice}",
    ]


# -- update -----------------------------------------------------------------------------------------


def test_update_twice_changes_nothing(small: Path) -> None:
    assert catalogues.update(small / "domain.yml", small / "locales") == []


def test_update_keeps_adds_marks_and_drops(small: Path) -> None:
    path = small / "locales" / "en.po"
    content = path.read_text(encoding="utf-8")
    path.write_text(
        content.replace('msgctxt "utter_ask_sure"', '# said twice\nmsgctxt "utter_ask_sure"'),
        encoding="utf-8",
    )
    domain = YAML(typ="safe").load(SMALL_DOMAIN)
    del domain["responses"]["utter_call"]
    domain["responses"]["utter_choice_agent"][0]["text"] = "Une personne"
    domain["responses"]["utter_new"] = [{"text": "Voici."}]
    with (small / "domain.yml").open("w", encoding="utf-8") as file:
        YAML().dump(domain, file)

    changed = catalogues.update(small / "domain.yml", small / "locales")

    assert [each.stem for each in changed] == list(catalogues.LANGUAGES)
    with path.open("rb") as file:
        entries = {message.context: message for message in read_po(file) if message.id}
    assert entries["utter_ask_sure"].string == TRANSLATED["utter_ask_sure"]
    assert entries["utter_ask_sure"].user_comments == ["said twice"]
    assert entries["utter_new"].string == ""
    assert "utter_call" not in entries
    marked = entries["utter_choice_agent"]
    assert (marked.id, marked.string, marked.fuzzy) == ("Une personne", "An advisor", True)
    assert [message.context for message in entries.values() if message.fuzzy] == ["utter_choice_agent"]
