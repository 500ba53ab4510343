"""The figures of `releve evaluate`, from labelled messages and what was made of them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from nlu.calibration import Certainty
from nlu.evaluation import Labelled, Understood, evaluate, labelled, share

INTENTS = frozenset({"greet", "check_balance", "explain_bill", "out_of_scope"})
SURE, UNSURE, LOST = Certainty


def understood(
    meant: str,
    intent: str,
    confidence: float = 0.9,
    certainty: Certainty = SURE,
    *,
    text: str = "trois mots ici",
    language: str = "fr",
    found: str | None = "fr",
    outside: float = 0.0,
    offered: tuple[str, ...] = (),
    seconds: float = 0.001,
) -> Understood:
    message = Labelled(language, meant, text)
    return Understood(message, found, intent, confidence, outside, certainty, offered, seconds)


def test_blank_lines_and_comments_are_not_messages() -> None:
    lines = ["# language, intent, text", "", "fr\tgreet\tbonjour\r", "   ", " ar \t greet \t # سلام "]
    assert list(labelled(lines, "m.tsv", INTENTS)) == [
        Labelled("fr", "greet", "bonjour"),
        Labelled("ar", "greet", "# سلام"),
    ]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("fr\tgreet", "three columns are wanted (language, intent, text), not 2"),
        ("fr greet bonjour", "three columns are wanted (language, intent, text), not 1"),
        ("fr\tgreet\tbonjour\tà tous", "three columns are wanted (language, intent, text), not 4"),
        ("de\tgreet\thallo", "unknown language 'de': one of fr, ar, ary, ary-Latn, en, zgh"),
        ("fr\tgreeet\tbonjour", "unknown intent 'greeet': it is not in domain.yml"),
        ("fr\tgreet\t ", "a message without text"),
    ],
)
def test_a_bad_line_is_named(line: str, what: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"m.tsv:3: {what}")):
        list(labelled(["# comment", "fr\tgreet\tbonjour", line], "m.tsv", INTENTS))


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17:857, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_share_is_wilsons(hits: int, of: int, low: float, high: float) -> None:
    found = share([True] * hits + [False] * (of - hits))
    assert (found.hits, found.of, found.share) == (hits, of, hits / of)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_a_share_of_nothing_is_no_figure() -> None:
    assert share([]).share is None
    assert share([True] * 5).high == 1.0
    assert share([False] * 5).low == 0.0


def test_accuracy_is_counted_over_all_and_by_language() -> None:
    found = evaluate(
        [
            understood("greet", "greet"),
            understood("greet", "check_balance"),
            understood("greet", "greet", language="ary-Latn"),
        ]
    )
    assert (found.accuracy.hits, found.accuracy.of) == (2, 3)
    assert {name: (each.hits, each.of) for name, each in found.accuracy_by_language.items()} == {
        "fr": (1, 2),
        "ary-Latn": (1, 1),
    }


def test_precision_recall_and_f1_of_each_intent() -> None:
    found = evaluate(
        [
            *[understood("greet", "greet")] * 3,
            understood("greet", "check_balance"),
            understood("check_balance", "greet"),
            understood("check_balance", "check_balance"),
            understood("explain_bill", "out_of_scope"),
        ]
    )
    assert [(s.intent, s.precision, s.recall, s.f1, s.support) for s in found.intents] == [
        ("check_balance", 0.5, 0.5, 0.5, 2),
        ("explain_bill", None, 0.0, 0.0, 1),  # never predicted
        ("greet", 0.75, 0.75, 0.75, 4),
        ("out_of_scope", 0.0, None, None, 0),  # predicted, never meant
    ]
    assert found.macro_f1 == pytest.approx((0.5 + 0.0 + 0.75) / 3)


def test_confusions_come_by_count_with_the_most_confident_text_first() -> None:
    found = evaluate(
        [
            understood("greet", "explain_bill", text="une seule"),
            understood("check_balance", "explain_bill", 0.4, UNSURE, text="combien"),
            understood("check_balance", "explain_bill", 0.8, text="pourquoi"),
            understood("check_balance", "check_balance"),
        ]
    )
    assert [(c.intent, c.taken_for, c.count) for c in found.confusions] == [
        ("check_balance", "explain_bill", 2),
        ("greet", "explain_bill", 1),
    ]
    assert [(m.text, m.confidence, m.certainty) for m in found.confusions[0].mistakes] == [
        ("pourquoi", 0.8, SURE),
        ("combien", 0.4, UNSURE),
    ]


def test_languages_are_told_from_messages_that_are_long_enough() -> None:
    results = [
        understood("greet", "greet", text="48213", found=None),
        understood("greet", "greet", text="deux mots", found="en"),
        understood("greet", "greet", text="en trois mots"),
        understood("greet", "greet", text="encore trois mots", found="en"),
        understood("greet", "greet", text="ch7al khasni nkhles daba", language="ary-Latn", found=None),
    ]
    found = evaluate(results).languages
    assert (found.every.hits, found.every.of) == (1, 5)
    assert (found.long.hits, found.long.of) == (1, 3)
    assert {name: (each.hits, each.of) for name, each in found.long_by_language.items()} == {
        "fr": (1, 2),
        "ary-Latn": (0, 1),
    }
    assert found.confusions == (("ary-Latn", None, 1), ("fr", "en", 1))
    assert evaluate(results, min_words=1).languages.long == found.every


@pytest.mark.parametrize(
    ("inside", "foreign", "auroc", "threshold", "refused"),
    [
        ([0.1, 0.2], [0.8, 0.9], 1.0, 0.8, 0),
        ([0.8, 0.9], [0.1, 0.2], 0.0, 0.1, 2),
        ([0.5, 0.5], [0.5, 0.5], 0.5, 0.5, 2),
        ([0.1, 0.6], [0.5, 0.9], 0.75, 0.5, 1),
        # Of ten, one may slip through.
        ([0.1, 0.3], [0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9, 0.9], 0.9, 0.4, 0),
    ],
)
def test_out_of_scope_is_told_by_its_score(
    inside: list[float], foreign: list[float], auroc: float, threshold: float, refused: int
) -> None:
    found = evaluate(
        [
            *(understood("greet", "greet", outside=each) for each in inside),
            *(understood("out_of_scope", "out_of_scope", outside=each) for each in foreign),
        ]
    ).out_of_scope
    assert found is not None
    assert found.auroc == pytest.approx(auroc)
    assert found.threshold == threshold
    assert found.refused_at_threshold.hits == refused


def test_the_area_is_scikit_learns() -> None:
    from sklearn.metrics import roc_auc_score

    random = np.random.default_rng(0)
    foreign = random.integers(0, 2, 300).astype(bool)
    scores = np.round(random.normal(foreign, 1.0), 1)  # rounded: ties
    found = evaluate(
        [
            understood("out_of_scope" if is_foreign else "greet", "greet", outside=float(score))
            for is_foreign, score in zip(foreign, scores, strict=True)
        ]
    ).out_of_scope
    assert found is not None
    assert found.auroc == pytest.approx(roc_auc_score(foreign, scores))


def test_without_messages_of_both_kinds_there_is_nothing_to_tell_apart() -> None:
    assert evaluate([understood("greet", "greet")]).out_of_scope is None
    mixed = [
        understood("greet", "greet"),
        understood("out_of_scope", "out_of_scope"),
        understood("greet", "greet", language="en"),
    ]
    assert list(evaluate(mixed).out_of_scope_by_language) == ["fr"]


@pytest.mark.parametrize(
    ("meant", "intent", "certainty", "refused", "acted_upon"),
    [
        ("greet", "greet", SURE, False, False),
        ("greet", "greet", UNSURE, False, False),
        ("greet", "greet", LOST, True, False),
        ("greet", "out_of_scope", SURE, True, False),
        ("greet", "out_of_scope", UNSURE, False, False),
        ("out_of_scope", "out_of_scope", SURE, True, False),
        ("out_of_scope", "greet", SURE, False, True),
        ("out_of_scope", "greet", UNSURE, False, False),
        ("out_of_scope", "greet", LOST, True, False),
    ],
)
def test_what_the_assistant_refuses(
    meant: str, intent: str, certainty: Certainty, refused: bool, acted_upon: bool
) -> None:
    # One of the other kind beside it, which is told surely and rightly.
    other = "out_of_scope" if meant == "greet" else "greet"
    found = evaluate([understood(meant, intent, certainty=certainty), understood(other, other)]).out_of_scope
    assert found is not None
    counted = found.refused if meant == "greet" else found.recognised
    assert (counted.hits, counted.of) == (int(refused), 1)
    assert found.acted_upon.hits == int(acted_upon)


def test_calibration_compares_confidence_with_the_share_right() -> None:
    found = evaluate(
        [
            *[understood("greet", "greet", 1.0)] * 4,
            *[understood("greet", "greet", 0.95)] * 3,
            understood("greet", "explain_bill", 0.95),
            *[understood("greet", "greet", 0.4)] * 2,
        ]
    ).reliability
    bands = [(band.low, band.high, band.count, band.right) for band in found.bands]
    assert bands == [(0.4, 0.5, 2, 1.0), (0.9, 1.0, 8, 0.875)]
    assert [band.confidence for band in found.bands] == pytest.approx([0.4, 0.975])
    assert found.expected_error == pytest.approx((2 * 0.6 + 8 * 0.1) / 10)


def test_what_would_be_done_with_each_message() -> None:
    found = evaluate(
        [
            understood("greet", "greet"),
            understood("greet", "explain_bill"),
            understood("check_balance", "explain_bill", 0.5, UNSURE, offered=("explain_bill", "check_balance")),
            understood("greet", "greet", 0.5, UNSURE, offered=("explain_bill",)),
            understood("greet", "greet", 0.1, LOST, language="en"),
        ]
    )
    done = found.decisions
    assert (done.sure.share, done.unsure.share, done.lost.share) == (0.4, 0.4, 0.2)
    assert (done.right_when_sure.hits, done.right_when_sure.of) == (1, 2)
    assert (done.offered_when_unsure.hits, done.offered_when_unsure.of) == (1, 2)
    english = found.decisions_by_language["en"]
    assert (english.lost.hits, english.right_when_sure.share) == (1, None)


def test_parse_times_are_in_milliseconds() -> None:
    found = evaluate([understood("greet", "greet", seconds=each / 1000) for each in range(1, 102)])
    assert (found.median_ms, found.p95_ms) == pytest.approx((51.0, 96.0))


def test_no_message_gives_no_figures() -> None:
    with pytest.raises(ValueError, match="no message"):
        evaluate([])


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "No such file or directory"),
        (b"", "no message to evaluate"),
        (b"# only a comment\n\n", "no message to evaluate"),
        (b"fr\tgreet\tsalut\nfr\tgreet\t\xff\n", "not UTF-8"),
        (b"fr\tgreet\tsalut\nfr\tgreet\n", "three columns are wanted (language, intent, text), not 2"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path: Path, content: bytes | None, what: str) -> None:
    from bot.evaluation import read
    from bot.faults import Fault

    path = tmp_path / "m.tsv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Fault) as raised:
        read(path, "m.tsv")
    where = "m.tsv:2" if content and content.startswith(b"fr") else "m.tsv"
    assert str(raised.value) == f"{where}: {what}"


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    from bot.evaluation import read

    path = tmp_path / "m.tsv"
    path.write_bytes("\ufefffr\tgreet\tbonjour\u2028à tous\r\n".encode())
    assert read(path, "m.tsv") == [Labelled("fr", "greet", "bonjour\u2028à tous")]
