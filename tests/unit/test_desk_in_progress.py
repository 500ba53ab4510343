"""What the assistant had been told, in words, from the dialogue's slots as the actions keep them."""

from __future__ import annotations

import pkgutil
from dataclasses import asdict
from importlib import import_module
from typing import Any

import pytest

import actions.cases
from actions.cases.complaint import CATEGORIES
from actions.cases.outage import SCOPES
from actions.cases.subscription import CONNECTIONS, PREMISES
from actions.casework import Case
from actions.drafts import Doubt, Draft
from bot.desk.in_progress import LABELS, VALUES, InProgress, in_progress

for _module in pkgutil.iter_modules(actions.cases.__path__):  # each adds its kind of case
    import_module(f"actions.cases.{_module.name}")

SAYS_NOTHING = frozenset(
    {"step", "over", "sure", "asked_why", "told", "misses", "other", "restored", "another", "changing", "topic"}
)
"""Fields of a case that only say where its questions are."""


def told(found: InProgress) -> dict[str, str]:
    return {each.label: each.value for each in found.told}


def case(**fields: Any) -> dict[str, Any]:
    return {"loop": "case_form", "slots": {"case": fields, "requested_slot": "case_answer"}}


@pytest.mark.parametrize(
    "dialogue", [None, {}, {"slots": {}, "loop": None}, {"slots": {"explained": {}}, "loop": None}]
)
def test_nothing_is_in_progress(dialogue: dict[str, Any] | None) -> None:
    assert in_progress(dialogue, "fr") == []


def test_a_reading_with_its_doubt() -> None:
    draft = Draft(
        contract="10000001",
        values={"total": 84213},
        taken_on="2026-01-14",
        doubt=Doubt(register="total", code="swapped_digits", value=84213, repair=48213),
    )
    slots = {"draft": draft.dump(), "requested_slot": "reading_confirmed"}
    [found] = in_progress({"loop": "reading_form", "slots": slots}, "fr")
    assert told(found) == {
        "Contrat": "10000001",
        "Index": "84213",
        "Relevé le": "14/01/2026",
        "Doute": "Deux chiffres semblent inversés.",
        "Index proposé": "48213",
    }
    assert found.asked == "L’index est-il bien celui-là ?"


def test_a_number_whose_register_is_not_known_yet_is_told_too() -> None:
    draft = Draft(utility="water", loose=[{"value": 731, "register": None, "negative": False}])
    [found] = in_progress({"loop": "reading_form", "slots": {"draft": asdict(draft)}}, "fr")
    assert told(found) == {"Énergie": "Eau", "Index": "731"}


def test_somebody_who_is_proving_who_they_are() -> None:
    slots = {"claim": {"contract": "10000003"}, "wish": "bill", "requested_slot": "identity_factor"}
    [found] = in_progress({"loop": "identity_form", "slots": slots}, "fr")
    assert told(found) == {"Contrat annoncé, non prouvé": "10000003", "Voulait": "Comprendre sa facture"}


def test_the_request_that_waits_for_the_proof_is_told_beside_it() -> None:
    slots = {"claim": {}, "wish": "case", "case": {"kind": "deferral", "until": "2026-02-10"}}
    found = in_progress({"loop": "identity_form", "slots": slots}, "fr")
    assert [each.title for each in found] == ["Identification", "Délai de paiement"]
    assert told(found[1]) == {"Payer au plus tard le": "10/02/2026"}


@pytest.mark.parametrize(
    ("dialogue", "expected"),
    [
        (
            case(kind="instalments", contract="10000005", parts=3, first="200.00", first_on="2026-02-01"),
            {
                "Contrat": "10000005",
                "Nombre de paiements": "3",
                "Premier paiement": "200,00 DH",
                "Premier paiement le": "01/02/2026",
            },
        ),
        (case(kind="complaint", category="leak", words=["ça fuit"]), {"Sujet": "Fuite", "Ses mots": "ça fuit"}),
        (
            case(kind="outage", trouble="cut", scope="street", place="derrière la mosquée"),
            {"Problème": "Coupure", "Étendue": "Toute la rue", "Lieu": "derrière la mosquée"},
        ),
    ],
)
def test_a_request_in_the_making(dialogue: dict[str, Any], expected: dict[str, str]) -> None:
    [found] = in_progress(dialogue, "fr")
    assert {label: value.replace("\xa0", " ") for label, value in told(found).items()} == expected


def test_what_was_put_aside_says_since_when() -> None:
    parked = {"case": {"kind": "complaint", "category": "meter"}, "since": "2026-01-10T09:00:00+00:00"}
    [found] = in_progress({"loop": None, "slots": {"parked": parked}}, "fr")
    assert found.since is not None
    assert found.asked is None


@pytest.mark.parametrize("kind", sorted(Case.kinds))
def test_every_field_that_a_case_keeps_has_a_label_or_says_nothing(kind: str) -> None:
    fields = set(Case.kinds[kind]().dump()) - {"kind", "free"}
    assert fields <= set(LABELS) | SAYS_NOTHING


@pytest.mark.parametrize(
    ("field", "words"),
    [("category", CATEGORIES), ("scope", SCOPES), ("connection", CONNECTIONS), ("premises", PREMISES)],
)
def test_every_word_of_a_closed_list_has_words(field: str, words: tuple[str, ...]) -> None:
    assert set(words) <= set(VALUES[field])


def test_a_later_kind_of_question_is_no_error() -> None:
    [found] = in_progress(case(kind="question_of_tomorrow", colour="blue"), "fr")
    assert (found.title, found.told) == ("Question", ())
