"""`releve evaluate` with the trained model, from the labelled messages to the printed figures."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from bot.evaluation import print_all, understood
from nlu.calibration import Certainty
from nlu.evaluation import Labelled, evaluate

MESSAGES = [
    Labelled("fr", "check_balance", "combien je dois pour ma dernière facture"),
    Labelled("en", "check_balance", "please explain why my bill is so high"),  # labelled wrongly on purpose
    Labelled("fr", "submit_reading", "48213"),
    Labelled("fr", "out_of_scope", "qui a gagné le match hier soir"),
    Labelled("fr", "out_of_scope", "..."),
]


def test_the_model_is_asked_as_in_a_conversation(assistant: Any) -> None:
    balance, bill, number, match, nothing = understood(assistant, MESSAGES)
    assert (balance.language, balance.intent, balance.certainty) == ("fr", "check_balance", Certainty.SURE)
    assert bill.offered[0] == "explain_bill"
    assert (number.language, number.intent, number.outside) == (None, "submit_reading", 0.0)
    assert match.outside > 0.5 > balance.outside
    assert "out_of_scope" not in match.offered
    assert (nothing.certainty, nothing.outside) == (Certainty.LOST, 1.0)
    assert 0 < balance.seconds < 1


def test_every_figure_is_printed(assistant: Any) -> None:
    found = evaluate(understood(assistant, MESSAGES))
    console = Console(file=io.StringIO(), width=80)
    print_all(console, found)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    for title in ("Intents", "Language identification", "Out of scope", "What would be done", "Calibration"):
        assert f"\n{title}" in printed
    assert "1 x check_balance taken for explain_bill\n" in printed
    assert "en       please explain why my bill is so high\n" in printed
    assert "Parse time: median " in printed
