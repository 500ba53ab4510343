"""What `releve train` says of the designers' files: mistakes that stop it, and doubts about the examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.datacheck import Problem, check
from bot.sending.doubts import FEWEST, FEWEST_BUSINESS, doubts
from nlu.classifier import HeldOut, IntentModel
from nlu.examples import Example, load

PROJECT = Path(__file__).parents[2]

DOMAIN = """
intents: [greet, check_balance]
actions: [action_balance]
responses: {utter_greet: [{text: Bonjour}]}
"""
RULES = """
rules:
- rule: greeted
  steps:
  - intent: greet
  - action: utter_greet
"""
COMMUNES = "communes:\n- {name: Azilal, ar: أزيلال}\n"
EXAMPLES = """
nlu:
- intent: greet
  metadata:
    language: fr
  examples: |
    - bonjour
- intent: check_balance
  metadata:
    language: fr
  examples: |
    - combien je dois
"""


def problems(folder: Path, **files: str) -> list[str]:
    """What is wrong with a small sound project once some of its files are replaced."""
    contents = {
        "domain.yml": DOMAIN,
        "data/rules/all.yml": RULES,
        "data/nlu/fr/all.yml": EXAMPLES,
        "data/communes.yml": COMMUNES,
    }
    for name, content in (contents | files).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return [str(problem) for problem in check(folder)]


def test_a_sound_project_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


def test_the_projects_own_files_have_no_mistake() -> None:
    assert [str(problem) for problem in check(PROJECT) if problem.is_error] == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("- bonjour\n    sans tiret", "fr/all.yml:8: an example starts with '- '"),
        ("- ", "fr/all.yml:7: an example without any text"),
        ("- [48213](reading)", "fr/all.yml:7: entities are found by rule: write plain text, no [x](y)"),
        ("- bonjour\n    - Bonjour", "fr/all.yml:8: repeats data/nlu/fr/all.yml:7: Bonjour"),
        ("- Combien je dois", "fr/all.yml:12: also an example of greet at data/nlu/fr/all.yml:7: combien je dois"),
    ],
)
def test_a_problem_among_the_examples_has_its_line(tmp_path: Path, line: str, problem: str) -> None:
    found = problems(tmp_path, **{"data/nlu/fr/all.yml": EXAMPLES.replace("- bonjour", line)})
    assert f"data/nlu/{problem}" in found


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("data/nlu/fr/all.yml", "intent: greet", "intent: greeet", "data/nlu/fr/all.yml:7: intent greeet is not in"),
        ("data/nlu/fr/all.yml", "language: fr", "language: de", "data/nlu/fr/all.yml:3: intent greet: metadata.lang"),
        ("data/nlu/fr/all.yml", "nlu:", "nlu: [", "data/nlu/fr/all.yml:3: not valid YAML: "),
        (
            "data/rules/all.yml",
            "intent: greet",
            "intent: hello",
            "data/rules/all.yml:5: intent hello is not in domain",
        ),
        ("data/rules/all.yml", "utter_greet", "utter_x", "data/rules/all.yml:6: action utter_x is neither an action"),
        ("domain.yml", "check_balance", "check_balance, thank", "domain.yml:1: intent thank has no example"),
    ],
)
def test_what_does_not_fit_together_is_named(tmp_path: Path, file: str, old: str, new: str, problem: str) -> None:
    contents = {
        "domain.yml": DOMAIN,
        "data/rules/all.yml": RULES,
        "data/nlu/fr/all.yml": EXAMPLES,
        "data/communes.yml": COMMUNES,
    }
    found = problems(tmp_path, **{file: contents[file].replace(old, new)})
    assert any(each.startswith(problem) for each in found), found


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("- {name: Azrou}", "3: a commune has a `name` and its Arabic name `ar`"),
        ("- Azrou", "3: a commune has a `name` and its Arabic name `ar`"),
        ("- {name: Azrou, ar: أزرو, alos: [azro]}", "3: Azrou: alos is not known, or not of the right kind"),
        ("- {name: Azrou, ar: أزرو, also: azro}", "3: Azrou: also is not known, or not of the right kind"),
        ("- {name: Azrou, ar: أزرو, also: [AZILAL]}", "3: Azrou: a spelling of Azilal too: azilal"),
        ("- {name: Azrou, ar: أزرو, also: [12]}", "3: Azrou: a spelling is not text: 12"),
        ("- {name: Azrou, ar: أزرو, also: ['…']}", "3: Azrou: a spelling without any letter"),
    ],
)
def test_a_problem_among_the_communes_has_its_line(tmp_path: Path, line: str, problem: str) -> None:
    found = problems(tmp_path, **{"data/communes.yml": COMMUNES + line})
    assert found == [f"data/communes.yml:{problem}"]


@pytest.mark.parametrize("content", ["", "[]", "communes: 3"])
def test_communes_are_a_list(tmp_path: Path, content: str) -> None:
    assert problems(tmp_path, **{"data/communes.yml": content}) == [
        "data/communes.yml:1: wanted: a list of `communes`"
    ]


def example(text: str, intent: str, language: str = "fr", line: int = 1) -> Example:
    return Example(text, intent, language, Path(f"{language}.yml"), line)


def of_kind(kind: str, found: list[Problem]) -> list[str]:
    return [str(each) for each in found if each.kind == kind]


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        (("je paie où", "fr"), ("Où je paie ?", "fr"), "the same words to the model"),
        (("je donne 5400", "fr"), ("je donne 48 213", "fr"), "the same words to the model"),
        (("je paie le 15", "fr"), ("je paie demain", "fr"), "the same words to the model"),
        (("pardon", "fr"), ("pardon", "en"), "the same words to the model"),
        (("ch7al nkhles", "ary-Latn"), ("chhal nkhless", "ary-Latn"), "the same skeletons"),
        (("ch7al nkhles", "ary-Latn"), ("نخلص شحال", "ary"), "the same skeletons"),
    ],
)
def test_examples_of_two_intents_that_look_the_same_are_confusable(
    one: tuple[str, str], other: tuple[str, str], likeness: str
) -> None:
    first, second = example(one[0], "how_to_pay", one[1], 3), example(other[0], "request_deferral", other[1], 9)
    expected = (
        f"{other[1]}.yml:9: request_deferral: {other[0]!r} has {likeness} as {one[0]!r}, how_to_pay at {one[1]}.yml:3"
    )
    assert of_kind("confusable", doubts([first, second])) == [expected]


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("je paie où", "je paie quand", "fr"),
        ("je donne 5400", "je donne 5400 dh", "fr"),  # an index, an amount
        ("suivi", "safi", "ary-Latn"),  # a skeleton alone says too little
        ("payer ma facture", "payée ma facture", "fr"),  # nor does it in French
    ],
)
def test_examples_that_the_model_can_tell_apart_are_not(one: str, other: str, language: str) -> None:
    examples = [example(one, "how_to_pay", language), example(other, "request_deferral", language)]
    assert of_kind("confusable", doubts(examples)) == []


@pytest.mark.parametrize(
    ("text", "intent", "by_rule"),
    [
        ("48213", "submit_reading", None),
        ("48213", "identify", "submit_reading"),
        ("stop", "cancel", "opt_out"),
        ("🎉", "thank", "out_of_scope"),
    ],
)
def test_an_example_that_a_rule_decides_otherwise_is_overruled(text: str, intent: str, by_rule: str | None) -> None:
    expected = [f"fr.yml:1: {intent}: {text!r} is {by_rule} by rule (nlu/classifier.py)"] if by_rule else []
    assert of_kind("overruled", doubts([example(text, intent)])) == expected


@pytest.mark.parametrize(
    ("text", "intent", "confidence", "is_told"),
    [
        ("combien je dois", "explain_bill", 0.93, True),
        ("combien je dois", "explain_bill", 0.5, False),  # hardly a surprise
        ("combien je dois", "check_balance", 0.93, False),  # right
        ("640 dh", "explain_bill", 0.93, False),  # decided by rule: the model is never asked
    ],
)
def test_an_example_surely_taken_for_something_else_is_mistaken(
    text: str, intent: str, confidence: float, is_told: bool
) -> None:
    examples = [example("bonjour", "greet"), example(text, "check_balance", line=7)]
    expected = f"fr.yml:7: check_balance: {text!r}, when held out, is taken for {intent} ({confidence:.2f})"
    assert of_kind("mistaken", doubts(examples, [HeldOut(1, intent, confidence)])) == ([expected] if is_told else [])


def many(intent: str, language: str, count: int) -> list[Example]:
    return [example(f"{intent} {language} {'i' * i}", intent, language, line=i + 1) for i in range(count)]


@pytest.mark.parametrize(
    ("intent", "french", "english", "expected"),
    [
        ("thank", FEWEST, FEWEST, []),
        ("thank", FEWEST - 1, FEWEST, ["fr.yml:1: thank: 24 examples in fr, at least 25 are wanted"]),
        ("check_balance", FEWEST_BUSINESS, FEWEST_BUSINESS, []),
        ("check_balance", FEWEST_BUSINESS - 1, 60, ["fr.yml:1: check_balance: 59 examples in fr, at least 60 are w"]),
        ("check_balance", 70, 141, ["fr.yml:1: check_balance: 70 examples in fr, 141 in other languages (median)"]),
        ("check_balance", 70, 140, []),
        # None at all: told where the intent has its first.
        ("check_balance", 60, 0, ["fr.yml:1: check_balance: 0 examples in en, at least 60 are wanted"]),
    ],
)
def test_an_intent_with_few_examples_is_scarce(intent: str, french: int, english: int, expected: list[str]) -> None:
    others = [each for language in ("fr", "en") for name in ("greet", "help") for each in many(name, language, 30)]
    found = of_kind("scarce", doubts([*many(intent, "fr", french), *many(intent, "en", english), *others]))
    assert len(found) == len(expected)
    assert all(each.startswith(start) for each, start in zip(found, expected, strict=True)), found


def test_a_language_that_is_only_recognised_is_not_scarce() -> None:
    taught = [*many("greet", "fr", 30), *many("thank", "fr", 30)]
    assert of_kind("scarce", doubts([*taught, *many("greet", "zgh", 3)])) == []


def test_the_worst_doubts_come_first() -> None:
    examples = [
        *many("greet", "fr", 30),
        *many("check_balance", "fr", 57),
        example("je paie où", "how_to_pay"),
        example("où je paie", "check_balance"),
    ]
    found = doubts(examples, [HeldOut(0, "check_balance", 0.9)])
    assert [each.kind for each in found] == ["confusable", "scarce", "mistaken", "scarce"]
    assert [each.weight for each in found] == sorted((each.weight for each in found), reverse=True)
    assert not any(each.is_error for each in found)


def test_training_tells_what_held_out_examples_were_taken_for() -> None:
    examples = [
        each
        for each in load(PROJECT / "data" / "nlu")
        if each.language == "fr" and each.intent in ("thank", "report_outage", "check_balance")
    ]
    wrong = Example("merci infiniment pour votre aide", "report_outage", "fr", Path("wrong.yml"), 1)
    examples.append(wrong)
    model = IntentModel.fit(
        [each.text for each in examples],
        [each.intent for each in examples],
        [each.language for each in examples],
        rounds=4,
    )
    assert sorted(each.row for each in model.held_out) == list(range(len(examples)))
    right = [each.intent == examples[each.row].intent for each in model.held_out]
    assert sum(right) / len(right) > 0.9
    assert any(each.startswith("wrong.yml:1: ") for each in of_kind("mistaken", doubts(examples, model.held_out)))
