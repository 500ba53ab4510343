"""What people send with a form, sealed values, and addresses inside the desk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from bot.desk.forms import Form
from bot.desk.origin import inside
from bot.desk.sealing import Seal

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = SecretStr("k" * 32)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Amina \t El\nFanouss ", "Amina El Fanouss"),
        ("a\x00b\x07c", "abc"),
        ("\u202egnp.exe", "gnp.exe"),
        ("\u2067أمينة\u2069", "أمينة"),
        ("\ud800x", "x"),
        ("👩‍🔧 Zoé", "👩‍🔧 Zoé"),
        ("أمينة الفانوس", "أمينة الفانوس"),
    ],
)
def test_a_line_keeps_what_people_see(typed: str, kept: str) -> None:
    assert Form({"name": (typed,)}).text("name") == kept


def test_rows_are_whole_numbers_that_the_database_can_compare() -> None:
    form = Form({"team": ("1", "x", "-2", "9" * 30, "٣", "", "12")})
    assert form.row_ids("team") == (1, 12)


def test_a_missing_field_is_empty() -> None:
    form = Form({})
    assert (form.text("x"), form.secret("x"), form.several("x"), form.row_ids("x")) == ("", "", (), ())


def test_what_is_sealed_comes_back_only_here_unchanged_and_in_time() -> None:
    in_time = timedelta(minutes=10)
    seal = Seal([KEY], "one thing")
    sealed = seal.seal("secret", NOW)
    assert "secret" not in sealed
    assert seal.open(sealed, NOW + timedelta(minutes=9), in_time) == "secret"
    assert seal.open(sealed, NOW + timedelta(minutes=11), in_time) is None
    assert Seal([KEY], "another thing").open(sealed, NOW, in_time) is None
    assert Seal([SecretStr("x" * 32)], "one thing").open(sealed, NOW, in_time) is None
    assert Seal([SecretStr("x" * 32), KEY], "one thing").open(sealed, NOW, in_time) == "secret", "sealed before"
    for spoilt in ("", "é", sealed[:-4] + "AAAA", "x" * 5000):
        assert seal.open(spoilt, NOW, in_time) is None


@pytest.mark.parametrize(
    ("path", "is_inside"),
    [
        ("/desk/queue", True),
        ("/desk/search?q=%D9%85%D8%A7%D8%A1&page=2", True),
        ("/desk/", True),
        ("/desk", False),
        ("/deskette/x", False),
        ("/desk/login", False),
        ("/desk/../try", False),
        ("/desk/%2E%2E/try", False),
        ("/desk//x", False),
        ("//desk/x", False),
        ("https://desk.test/desk/x", False),
        ("/desk/é", False),
        ("/desk/a b", False),
        ("/desk/" + "x" * 500, False),
    ],
)
def test_only_plain_paths_lead_on(path: str, is_inside: bool) -> None:
    assert (inside(path) == path) is is_inside
