"""Writes a stock Rasa project with the same intents, examples, rules and texts as Relève's.

Everything is read from the files of this repository when the project is written, so that both sides are always
trained on the same data. What a Rasa team would do otherwise than we do is decided here and explained in
`bench/README.md`.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nlu.examples import load

REPOSITORY = Path(__file__).resolve().parent.parent.parent

FORM = "reading_form"

ANSWERS = {
    "action_how_to_read_meter": "utter_how_to_read_meter",
    "action_identify": "utter_already_identified",
    "action_how_to_pay": "utter_how_to_pay",
    "action_contact_info": "utter_contact_info",
    "action_report_outage": "utter_ask_outage_scope",
    "action_check_balance": "utter_ask_contract_choice",
    "action_explain_bill": "utter_ask_contract_choice",
    "action_estimate_bill": "utter_ask_contract_choice",
    "action_complain": "utter_ask_complaint_words",
    "action_check_request": "utter_request_none",
    "action_request_deferral": "utter_ask_deferral_until",
    "action_request_instalments": "utter_ask_bills",
    "action_request_kwh_advance": "utter_ask_contract_choice",
    "action_request_subscription": "utter_ask_connection",
    "action_recharge_prepaid": "utter_ask_contract_choice",
    "action_talk_to_agent": "utter_handed_over",
    "action_change_language": "utter_language_changed",
    "action_privacy": "utter_ask_contract_choice",
    "action_opt_out": "utter_opted_out",
    "action_greet": "utter_greet",
    "action_affirm": "utter_what_next",
    "action_deny": "utter_what_next",
    "action_help": "utter_help",
    "action_out_of_scope": "utter_out_of_scope",
    "action_lost": "utter_lost",
}
"""Our action, and the response that is all a stock project needs in its place: no call of the action server."""

SAID_BY_ACTIONS = (
    "utter_cancelled",
    "utter_nothing_to_cancel",
    "utter_phone_unknown",
    "utter_reading_not_understood",
    "utter_reading_too_many_digits",
    "utter_reading_recorded",
    "utter_reading_corrected",
    "utter_reading_to_review",
    "utter_nothing_to_correct",
)
"""Our responses that the custom actions of `actions.py` use."""

NUMBER = r"\b\d{3,6}\b"
"""What is taken for an index."""

EPOCHS_OF_POLICIES = 100
"""TED and UnexpecTED keep Rasa's default: over so few stories it takes seconds."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the stock side is trained. `rules_only` leaves out all policies but RulePolicy.

    `examples` limits the examples per intent and language; None takes them all.
    """

    epochs: int
    examples: int | None = None
    rules_only: bool = False


def write_project(parent: Path, recipe: Recipe) -> Path:
    """Write the project into a folder of `parent` named by a hash of all that the model depends on."""
    files = {
        "config.yml": _yaml(_config(recipe)),
        "domain.yml": _yaml(_domain()),
        "data/nlu.yml": nlu_examples(recipe.examples),
        "data/rules.yml": _yaml({"version": "3.1", "rules": _rules()}),
    }
    if not recipe.rules_only:
        files["data/stories.yml"] = _yaml({"version": "3.1", "stories": _stories()})
    digest = hashlib.sha256("\0".join(f"{name}\0{text}" for name, text in sorted(files.items())).encode())
    folder = parent / f"stock-{digest.hexdigest()[:16]}"
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


class _Dumper(yaml.SafeDumper):
    """Writes everything out: people read these files, and they do not expect YAML anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _yaml(content: Any) -> str:
    text: str = yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1000)
    return text


def _read(name: str) -> Any:
    return yaml.safe_load((REPOSITORY / name).read_text(encoding="utf-8"))


def _config(recipe: Recipe) -> dict[str, Any]:
    """Rasa's default pipeline and policies (`default_config.yml` of 3.6.21), and an extractor for numbers."""
    policies: list[dict[str, Any]] = [{"name": "RulePolicy"}]
    if not recipe.rules_only:
        ted = {"max_history": 5, "epochs": EPOCHS_OF_POLICIES}
        policies = [
            {"name": "MemoizationPolicy"},
            *policies,
            {"name": "UnexpecTEDIntentPolicy", **ted},
            {"name": "TEDPolicy", **ted, "constrain_similarities": True},
        ]
    return {
        "recipe": "default.v1",
        "assistant_id": "stock",
        "language": "fr",
        "pipeline": nlu_pipeline(recipe),
        "policies": policies,
    }


def nlu_pipeline(recipe: Recipe) -> list[dict[str, Any]]:
    return [
        {"name": "WhitespaceTokenizer"},
        {"name": "RegexFeaturizer"},
        {"name": "LexicalSyntacticFeaturizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
        {
            "name": "DIETClassifier",
            "epochs": recipe.epochs,
            "constrain_similarities": True,
            "entity_recognition": False,  # the only entity is a number, and the next component finds it
        },
        {"name": "RegexEntityExtractor", "use_lookup_tables": False},
        {"name": "EntitySynonymMapper"},
        {"name": "ResponseSelector", "epochs": recipe.epochs, "constrain_similarities": True},
        {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1},
    ]


# --- domain --------------------------------------------------------------------------------------------------


def _domain() -> dict[str, Any]:
    rules = _our_rules()
    ours = {step["action"] for steps in rules.values() for step in steps if "action" in step}
    answers = {ANSWERS.get(action, action) for action in ours} | set(SAID_BY_ACTIONS)
    texts = _texts()
    responses = {name: [{"text": texts[name]}] for name in sorted(answers) if name in texts}
    responses |= _questions(texts)
    return {
        "version": "3.1",
        "intents": _read("domain.yml")["intents"],
        "entities": ["reading"],
        "slots": _slots(),
        "forms": {FORM: {"required_slots": ["reading_value", "reading_confirmed"]}},
        "responses": responses,
        "actions": [f"validate_{FORM}", "action_record_reading", "action_correct_reading", "action_cancel"],
        "session_config": {"session_expiration_time": 60, "carry_over_slots_to_new_session": True},
    }


def _slots() -> dict[str, Any]:
    """The number is taken when a reading is announced or corrected, and anywhere inside the form."""
    in_form = {"active_loop": FORM}
    asked = {"active_loop": FORM, "requested_slot": "reading_confirmed"}
    from_number = {"type": "from_entity", "entity": "reading"}
    custom = {"type": "any", "influence_conversation": False, "mappings": [{"type": "custom"}]}
    return {
        "reading_value": {
            "type": "any",
            "influence_conversation": False,
            "mappings": [
                {**from_number, "intent": ["submit_reading", "correct_reading"]},
                {**from_number, "conditions": [in_form]},
            ],
        },
        "reading_confirmed": {
            "type": "bool",
            "influence_conversation": False,
            "mappings": [
                {"type": "from_intent", "intent": "affirm", "value": True, "conditions": [asked]},
                {"type": "from_intent", "intent": "deny", "value": False, "conditions": [asked]},
            ],
        },
        **dict.fromkeys(("doubt", "usage", "days", "usual", "last_value", "replaces"), custom),
    }


def _texts() -> dict[str, str]:
    """The French texts, with what differs by operator written in: a stock project serves one operator."""
    operator = _read("operators/onee.yml")
    known = {
        "operator": operator["name"],
        "phone": operator["customer_relations_phone"],
        "emergency": operator["emergency_phone"],
        "page": operator["payment_page"],
        "controller": operator["privacy"]["controller"],
    }
    texts = {}
    for name, variations in _read("domain.yml")["responses"].items():
        text = variations[0]["text"]
        for word, value in known.items():
            text = text.replace("{" + word + "}", value)
        texts[name] = text
    return texts


def _questions(texts: dict[str, str]) -> dict[str, Any]:
    """The form's questions under the names Rasa looks for; which doubt it is chooses the variation."""

    def when(doubt: str) -> list[dict[str, str]]:
        return [{"type": "slot", "name": "doubt", "value": doubt}]

    high = texts["utter_ask_high"].replace("{value}", "{reading_value}").replace("{unit}", "kWh")
    lower = texts["utter_ask_lower"].replace("{value}", "{reading_value}").replace("{bound}", "{last_value}")
    sure = texts["utter_ask_sure"].replace("{value}", "{reading_value}")
    return {
        f"utter_ask_{FORM}_reading_value": [{"text": texts["utter_ask_reading"]}],
        f"utter_ask_{FORM}_reading_confirmed": [
            {"text": high, "condition": when("high")},
            {"text": lower, "condition": when("lower")},
            {"text": sure},
        ],
    }


# --- examples, rules, stories --------------------------------------------------------------------------------


def nlu_examples(limit: int | None = None) -> str:
    """All languages under one intent each, as Rasa wants them, and the pattern of a number."""
    examples: defaultdict[str, list[str]] = defaultdict(list)
    taken: defaultdict[tuple[str, str], int] = defaultdict(int)
    for example in load(REPOSITORY / "data" / "nlu"):
        taken[example.intent, example.language] += 1
        if limit is None or taken[example.intent, example.language] <= limit:
            examples[example.intent].append(_marked(example.text, example.intent))
    blocks = ['version: "3.1"', "nlu:", "- regex: reading", "  examples: |", f"    - {NUMBER}"]
    for intent, texts in examples.items():
        blocks += [f"- intent: {intent}", "  examples: |", *(f"    - {text}" for text in texts)]
    return "\n".join(blocks) + "\n"


def _marked(text: str, intent: str) -> str:
    """A text in Rasa's training format, its indexes annotated: the extractor must see its entity in the data."""
    plain = re.sub(r"[\[\](){}]", " ", text)
    if intent in ("submit_reading", "correct_reading"):
        return re.sub(NUMBER, r"[\g<0>](reading)", plain)
    return plain


def _our_rules() -> dict[str, list[dict[str, Any]]]:
    """Our rules outside forms: what the customer wants, and the steps that answer it."""
    rules = {}
    for path in sorted((REPOSITORY / "data" / "rules").glob("*.yml")):
        for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]:
            if "condition" not in rule:
                rules[rule["rule"]] = rule["steps"]
    return rules


def _ends_in(steps: list[dict[str, Any]], action: str) -> bool:
    return steps[-1].get("action") == action


def _rules() -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = []
    for name, steps in _our_rules().items():
        if _ends_in(steps, "action_start_reading"):
            steps = [steps[0], {"action": FORM}, {"active_loop": FORM}]
        elif _ends_in(steps, "action_correct_reading"):
            steps = [*steps, {"action": FORM}, {"active_loop": FORM}]
        else:
            steps = [
                {"action": ANSWERS.get(step["action"], step["action"])} if "action" in step else step
                for step in steps
            ]
        rules.append({"rule": name, "steps": steps})
    rules += [_interruption(name, steps) for name, steps in _our_rules().items() if _answers_with_a_text(steps)]
    rules.append(
        {
            "rule": "the reading is complete",
            "condition": [{"active_loop": FORM}],
            "steps": [
                {"action": FORM},
                {"active_loop": None},
                {"slot_was_set": [{"requested_slot": None}]},
                {"action": "action_record_reading"},
            ],
        }
    )
    return rules


def _answers_with_a_text(steps: list[dict[str, Any]]) -> bool:
    return "intent" in steps[0] and (
        steps[-1].get("action") in ANSWERS or str(steps[-1].get("action")).startswith("utter_")
    )


def _interruption(name: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
    """A question in the middle of the form: answered, then the form asks again (Rasa's "unhappy path")."""
    action = steps[-1]["action"]
    return {
        "rule": f"{name}, inside the form",
        "condition": [{"active_loop": FORM}],
        "steps": [
            steps[0],
            {"action": ANSWERS.get(action, action)},
            {"action": FORM},
            {"active_loop": FORM},
        ],
    }


def _stories() -> list[dict[str, Any]]:
    """Whole conversations, which is what TED and UnexpecTED learn from; rules alone would leave them idle."""
    greet = [{"intent": "greet"}, {"action": "utter_greet"}]
    thanks = [{"intent": "thank"}, {"action": "utter_welcome"}]
    goodbye = [{"intent": "goodbye"}, {"action": "utter_goodbye"}]
    opened = [{"intent": "submit_reading"}, {"action": FORM}, {"active_loop": FORM}]
    done = [{"action": FORM}, {"active_loop": None}, {"action": "action_record_reading"}]
    number = [{"intent": "submit_reading"}, *done]
    asked = [
        {"intent": "how_to_read_meter"},
        {"action": "utter_how_to_read_meter"},
        {"action": FORM},
        {"active_loop": FORM},
    ]
    pay = [{"intent": "how_to_pay"}, {"action": "utter_how_to_pay"}]
    contact = [{"intent": "contact_info"}, {"action": "utter_contact_info"}]
    corrected = [
        {"intent": "correct_reading"},
        {"action": "action_correct_reading"},
        {"action": FORM},
        {"active_loop": FORM},
    ]
    stories = {
        "a reading in two messages": [*greet, *opened, *number, *thanks, *goodbye],
        "a reading without greeting": [*opened, *number, *thanks],
        "a reading confirmed": [*greet, *opened, {"intent": "affirm"}, *done, *thanks],
        "a reading denied and given again": [
            *opened,
            {"intent": "deny"},
            {"action": FORM},
            {"active_loop": FORM},
            *number,
            *goodbye,
        ],
        "how to read, in the middle": [*greet, *opened, *asked, *number, *thanks],
        "a reading and where to pay": [*opened, *number, *pay, *thanks, *goodbye],
        "a reading corrected": [*opened, *number, *corrected, *number, *thanks],
        "questions only": [*greet, *pay, *contact, *thanks, *goodbye],
    }
    return [{"story": name, "steps": steps} for name, steps in stories.items()]
