"""The language of a message and of a conversation; the model is trained on a third of the real examples."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.examples import Example, load
from nlu.language import LANGUAGES, LanguageModel, stable_language

DATA = Path(__file__).parents[2] / "data" / "nlu"


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return load(DATA)


@pytest.fixture(scope="module")
def model(examples: list[Example]) -> LanguageModel:
    seen = examples[::3]
    return LanguageModel.fit([e.text for e in seen], [e.language for e in seen])


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("bonjour je voudrais donner mon index", "fr"),
        ("je voudrais payer ma facture", "fr"),
        ("I would like to pay my bill", "en"),
        ("how much do I owe you", "en"),
        ("أريد أن أعرف المبلغ المستحق من فضلكم", "ar"),
        ("شحال خاصني نخلص ديال الضو", "ary"),
        ("بغيت نعرف علاش غالية هاد الفاتورة", "ary"),
        ("bghit n3ref ch7al khasni nkhles", "ary-Latn"),
        ("3lach had lfacture ghalya bzaf", "ary-Latn"),
        ("une réclamation على الكونتور ديالي", "ary"),
        ("ⴰⵣⵓⵍ", "zgh"),
    ],
)
def test_languages(model: LanguageModel, text: str, language: str) -> None:
    assert model.identify(text).language == language


@pytest.mark.parametrize("text", ["48213", "٤٨٢١٣", "ok", "OK!", "👍", "???", "", "10000001", "salam", "640 dh"])
def test_what_everyone_writes_is_no_evidence(model: LanguageModel, text: str) -> None:
    found = model.identify(text)
    assert (found.language, found.confidence) == (None, 0.0)


def test_messages_of_three_words_are_identified(model: LanguageModel, examples: list[Example]) -> None:
    unseen = [e for i, e in enumerate(examples) if i % 3 == 1 and len(e.text.split()) >= 3]
    right = Counter(model.identify(e.text).language == e.language for e in unseen)
    assert right[True] / len(unseen) > 0.95


def test_a_saved_model_says_the_same(model: LanguageModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    loaded = LanguageModel.load(tmp_path)
    for text in ("combien je dois", "شحال عليا", "ch7al 3liya"):
        assert loaded.identify(text) == model.identify(text)


@given(text=st.text())
def test_identifying_never_raises(model: LanguageModel, text: str) -> None:
    found = model.identify(text)
    assert found.language is None or found.language in LANGUAGES
    assert 0.0 <= found.confidence <= 1.0


@pytest.mark.parametrize(
    ("previous", "detected", "confidence", "words", "answer"),
    [
        (None, None, 0.0, 0, "fr"),
        ("ar", None, 0.0, 0, "ar"),  # a bare number, an "ok"
        (None, "ary-Latn", 0.5, 3, "ary-Latn"),  # the first message: the best guess
        ("fr", "fr", 0.3, 5, "fr"),
        ("fr", "en", 0.9, 5, "en"),
        ("fr", "en", 0.5, 5, "fr"),
        ("fr", "en", 0.7, 2, "fr"),  # short messages must be plain
        ("fr", "ary-Latn", 0.85, 1, "fr"),  # one word even more so
        ("fr", "ary", 0.5, 3, "ary"),  # another script
        ("ary", "ar", 0.7, 6, "ary"),  # doubtful between standard Arabic and Darija
        ("ary", "ar", 0.97, 6, "ar"),
        ("ar", "ary", 0.7, 6, "ar"),
        ("ary-Latn", "ary", 0.6, 4, "ary"),
    ],
)
def test_the_language_of_a_conversation_is_stable(
    previous: str | None, detected: str | None, confidence: float, words: int, answer: str
) -> None:
    assert stable_language(previous, detected, confidence, words) == answer


def test_training_needs_two_languages() -> None:
    with pytest.raises(ValueError, match="two languages"):
        LanguageModel.fit(["bonjour", "merci"], ["fr", "fr"])
