"""The intent of a message; the model is trained on a third of the real examples."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu import asides
from nlu.calibration import Calibration, Certainty, Thresholds, calibrate
from nlu.classifier import IntentModel, Prediction, script
from nlu.concepts import Lexicon
from nlu.examples import Example, load
from nlu.features import INTENT_SCALES, intent_blocks, masked, words
from nlu.training import Corpus
from nlu.variants import respell

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return load(PROJECT / "data" / "nlu")


@pytest.fixture(scope="module")
def model(examples: list[Example]) -> IntentModel:
    seen = examples[::3]
    return IntentModel.fit(
        [e.text for e in seen], [e.intent for e in seen], [e.language for e in seen], rounds=1, respellings=0
    )


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("48213", "submit_reading"),
        ("٤٨ ٢١٣", "submit_reading"),
        ("quatre huit deux un trois", "submit_reading"),
        ("48213 !!", "submit_reading"),
        ("10000001", "identify"),
        ("1000 0001", "identify"),
        ("640,50 dh", "identify"),
        ("D-4K7P2", "check_request"),
        ("3 fois", "request_instalments"),
        ("👍", "affirm"),
        ("✅✅", "affirm"),
        ("👎", "deny"),
        ("STOP", "opt_out"),
        ("arrêt", "opt_out"),
        ("توقف", "opt_out"),
        ("7bess", "opt_out"),
        ("🙏🙏", "thank"),
        ("👋", "greet"),
        ("??", "help"),
        ("؟", "help"),
    ],
)
def test_plain_shapes_are_not_guessed(model: IntentModel, text: str, intent: str) -> None:
    assert model.predict(text) == Prediction(intent, 1.0, Certainty.SURE, ((intent, 1.0),))


@pytest.mark.parametrize("text", ["", " ", "...", "🙂", "👍👎", "\u200b", "🎉🎉🎉", "2+2", "15*12"])
def test_nothing_said_is_never_a_yes(model: IntentModel, text: str) -> None:
    found = model.predict(text)
    assert (found.intent, found.confidence, found.certainty) == ("out_of_scope", 0.0, Certainty.LOST)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("pourquoi ma facture est si chère", "explain_bill"),
        ("combien je dois", "check_balance"),
        ("si j'envoie 5400 je paie combien", "estimate_bill"),
        ("je me suis trompé d'index c'est 48213", "correct_reading"),
        ("je veux parler à un conseiller", "talk_to_agent"),
        ("I want to pay in three instalments", "request_instalments"),
        ("there is no power in my street", "report_outage"),
        ("أريد معرفة المبلغ المستحق", "check_balance"),
        ("الكهرباء مقطوعة عندنا", "report_outage"),
        ("شحال خاصني نخلص", "check_balance"),
        ("بغيت نهضر مع شي واحد", "talk_to_agent"),
        ("ch7al khasni nkhles", "check_balance"),
        ("lfacture ghalya bzaf 3lach", "explain_bill"),
        ("do m9tou3 3ndna", "report_outage"),
    ],
)
def test_the_plainest_requests(model: IntentModel, text: str, intent: str) -> None:
    assert model.predict(text).intent == intent


def test_most_unseen_examples_are_understood(model: IntentModel, examples: list[Example]) -> None:
    unseen = examples[1::3]
    right = [model.predict(e.text).intent == e.intent for e in unseen]
    assert sum(right) / len(right) > 0.75


def test_a_sure_prediction_is_nearly_always_right(model: IntentModel, examples: list[Example]) -> None:
    predictions = [(e, model.predict(e.text)) for e in examples[1::3]]
    sure = [e.intent == p.intent for e, p in predictions if p.certainty is Certainty.SURE]
    assert len(sure) > len(predictions) / 2
    assert sum(sure) / len(sure) > 0.88


def test_the_ranking_is_sorted_and_short(model: IntentModel) -> None:
    ranking = model.predict("combien je dois pour l'eau").ranking
    confidences = [confidence for _, confidence in ranking]
    assert len(ranking) == 10
    assert confidences == sorted(confidences, reverse=True)
    assert sum(confidences) <= 1.0 + 1e-9


def test_a_saved_model_says_the_same(model: IntentModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    loaded = IntentModel.load(tmp_path)
    for text in ("combien je dois", "شحال عليا", "ch7al 3liya", "qui a gagné le match"):
        assert loaded.predict(text) == model.predict(text)


@given(text=st.text())
def test_predicting_never_raises(model: IntentModel, text: str) -> None:
    assert 0.0 <= model.predict(text).confidence <= 1.0


def test_training_needs_two_intents() -> None:
    with pytest.raises(ValueError, match="two intents"):
        IntentModel.fit(["oui", "ok"], ["affirm", "affirm"], ["fr", "fr"])


def test_a_handful_of_examples_is_enough_to_train() -> None:
    model = IntentModel.fit(
        ["oui merci", "oui bien sur", "non merci", "non jamais"], ["affirm", "affirm", "deny", "deny"], [None] * 4
    )
    assert model.predict("oui bien sur").intent == "affirm"


def blocks_of(texts: list[str]) -> list[tuple[list[str], ...]]:
    lexicon = Lexicon()
    return [tuple(map(list, intent_blocks(words(masked(text)), lexicon))) for text in texts]


def test_serving_gives_scikit_learns_numbers(examples: list[Example]) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    analysed = blocks_of([e.text for e in examples[::40]])
    rows = np.arange(len(analysed))
    vocabulary, _ = Corpus(analysed).vocabulary(rows, (1.0,) * len(INTENT_SCALES), fewest=1, unseen=False)
    new = blocks_of(["je veux payer ma facture", "شحال خاصني نخلص", "zzz qqq combien"])
    for block in range(len(INTENT_SCALES)):
        reference = TfidfVectorizer(analyzer=lambda terms: terms, sublinear_tf=True)
        reference.fit([terms[block] for terms in analysed])
        for text in (*analysed[:50], *new):
            expected = reference.transform([text[block]]).toarray()[0]
            only = [terms if i == block else [] for i, terms in enumerate(text)]
            columns, values = vocabulary.vector(only)
            ours = dict(zip(columns, values, strict=True))
            theirs = {
                vocabulary.columns[block][term]: expected[i]
                for term, i in reference.vocabulary_.items()
                if expected[i]
            }
            assert ours == pytest.approx(theirs, abs=1e-5)


def test_training_and_serving_see_the_same_vectors(examples: list[Example]) -> None:
    analysed = blocks_of([e.text for e in examples[::40]])
    corpus = Corpus(analysed)
    seen, unseen = np.arange(0, len(analysed), 2), np.arange(1, len(analysed), 2)
    vocabulary, columns = corpus.vocabulary(seen, INTENT_SCALES)
    matrix = corpus.matrix(unseen, vocabulary, columns).toarray()
    for row, i in enumerate(unseen):
        at, values = vocabulary.vector(analysed[i])
        served = np.zeros(matrix.shape[1])
        served[at] = values
        np.testing.assert_allclose(served, matrix[row], atol=1e-5)


def test_serving_imports_neither_scikit_learn_nor_scipy() -> None:
    code = (
        "import sys, nlu.classifier, nlu.language, nlu.entities, nlu.segments;"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'sklearn', 'scipy', 'rasa', 'pandas'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert done.stdout.strip() == "[]"


def test_confidences_are_calibrated_on_what_was_held_out() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 3000)
    scores = random.normal(0, 0.5, (3000, 3))
    scores[np.arange(3000), truth] += 1.0
    names = ["a", "b", "out_of_scope"]
    calibration = calibrate(scores, [names[t] for t in truth], names, ["latin"] * 3000, "out_of_scope")
    confidences = calibration.confidences(scores)
    right = scores.argmax(axis=1) == truth
    assert confidences.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.02)
    sure = confidences.max(axis=1) >= calibration.of("latin").sure
    assert right[sure].mean() >= 0.91


@pytest.mark.parametrize(
    ("confidence", "outside", "certainty"),
    [
        (0.9, 0.0, Certainty.SURE),
        (0.9, 0.9, Certainty.SURE),  # surely none of our business
        (0.5, 0.1, Certainty.UNSURE),
        (0.5, 0.4, Certainty.LOST),
        (0.1, 0.0, Certainty.LOST),
    ],
)
def test_what_a_confidence_allows(confidence: float, outside: float, certainty: Certainty) -> None:
    assert Thresholds(sure=0.6, outside=0.3, lost=0.2).certainty(confidence, outside) is certainty


def test_calibration_is_stored() -> None:
    calibration = Calibration(3.5, {"latin": Thresholds(0.7, 0.3, 0.1)})
    assert Calibration.from_json(calibration.as_json()) == calibration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("index 48213", "index N"),
        ("contrat 10000001", "contrat C"),
        ("payer 640 dh le 15", "payer M D"),
        ("en 3 fois", "en K"),
        ("👍 merci", "emojiyes merci"),
    ],
)
def test_numbers_are_features_by_their_kind(text: str, expected: str) -> None:
    assert words(masked(text)) == expected.split()


def test_concepts_are_shared_by_the_varieties() -> None:
    lexicon = Lexicon()
    texts = ["pourquoi facture chere", "why bill expensive", "لماذا فاتوره غاليه", "3lach fatoura ghalya"]
    shared = set.intersection(*(set(lexicon.concepts(text.split())) for text in texts))
    assert shared >= {"why", "bill", "high"}


def test_respelling_leaves_numbers_alone() -> None:
    from random import Random

    random = Random(0)
    spellings = {respell("ha lcompteur 48213 w khlest 640 dh R-93KD2", random) for _ in range(20)}
    assert len(spellings) > 5
    assert all("48213" in s and "640" in s and "R-93KD2" in s for s in spellings)


@pytest.mark.parametrize(
    ("text", "expected"), [("combien", "latin"), ("شحال", "arabic"), ("48213", "latin"), ("شحال sms", "arabic")]
)
def test_script(text: str, expected: str) -> None:
    assert script(text) == expected


def test_the_components_train_store_load_and_process(tmp_path: Path) -> None:
    from rasa.engine.graph import ExecutionContext, GraphSchema
    from rasa.engine.storage.local_model_storage import LocalModelStorage
    from rasa.engine.storage.resource import Resource
    from rasa.shared.nlu.training_data.message import Message
    from rasa.shared.nlu.training_data.training_data import TrainingData

    import nlu.standins  # noqa: F401 - must come before anything of Rasa
    from nlu.components import EntityExtractor, IntentClassifier, LanguageIdentifier

    rows = [
        ("combien je dois", "check_balance", "fr"),
        ("je dois combien", "check_balance", "fr"),
        ("how much do I owe", "check_balance", "en"),
        ("mon index est 48213", "submit_reading", "fr"),
        ("voici mon index 5402", "submit_reading", "fr"),
        ("my reading is 48213", "submit_reading", "en"),
    ]
    training_data = TrainingData(
        [Message.build(text, intent, intent_metadata={"language": language}) for text, intent, language in rows]
    )
    storage = LocalModelStorage(tmp_path)
    context = ExecutionContext(GraphSchema({}), node_name="node")
    message = Message({"text": "voici mon index 48213 relevé hier", "metadata": {"today": "2026-11-23"}})
    for component in (LanguageIdentifier, IntentClassifier):
        config = component.get_default_config()
        resource = Resource(component.__name__)
        component.create(config, storage, resource, context).train(training_data)
        component.load(config, storage, resource, context).process([message])
    extractor = EntityExtractor.create(EntityExtractor.get_default_config(), storage, Resource("none"), context)
    extractor.process([message])

    parsed = message.as_dict(only_output_properties=True)
    assert parsed["language"] == "fr"
    assert parsed["intent"]["name"] == parsed["intent_ranking"][0]["name"] == "submit_reading"
    assert parsed["certainty"] in ("sure", "unsure", "lost")
    named = [each for each in parsed["entities"] if each["entity"] not in asides.NAMES]
    assert [(e["entity"], e["value"], e["extractor"]) for e in named] == [
        ("reading", "48213", "EntityExtractor"),
        ("date", "2026-11-22", "EntityExtractor"),
    ]
