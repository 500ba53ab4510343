"""What may stand in a log line, and what is taken out of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.telemetry.masking import WITHHELD, masked, withhold

SID = "SM" + "0a1b2c3d" * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The 'To' number +212 6 00 00 00 01 is not valid", "The 'To' number [number] is not valid"),
        ("0612-345-678 has opted out", "[number] has opted out"),
        ("(0522) 345 678", "([number]"),
        ("عقد ٢٠٠٠٠٠٠٣ غير معروف", "عقد [number] غير معروف"),
        ("Key (number)=(10000001) exists", "Key (number)=([number]) exists"),
        ("write to amina.b+x@example.co.ma please", "write to [email] please"),
        ("https://api.telegram.org/bot123456789:AAE-abcdefghijklmnopqrstuvwxyz12345/x", "[secret]/x"),
        ("Authorization: Bearer abc.def", "Authorization: [secret]"),
        ("key rlv_abcDEF123", "key [secret]"),
        ("postgresql://releve:p@ss@host/releve", "postgresql://[secret]host/releve"),
        ("token 0123456789abcdef0123456789abcdef01", "token [secret]"),
        (f"message {SID} is queued", f"message {SID} is queued"),
        ("HTTP 429, again in 12 s, code 63016", "HTTP 429, again in 12 s, code 63016"),
        ("since 2026-11-23 10:00", "since 2026-11-23 10:00"),
        ('File "bot/turns/turn.py", line 1234, in _handle', 'File "bot/turns/turn.py", line 1234, in _handle'),
    ],
)
def test_what_looks_like_somebodys_is_taken_out_of_a_text(text: str, expected: str) -> None:
    assert masked(text).endswith(expected)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("message", 123_456_789, 123_456_789),  # a row, in a store with many of them
        ("correlation", "m-123456789", "m-123456789"),
        ("phone", "+212600000001", WITHHELD),
        ("text", "mon index est 48213", WITHHELD),
        ("count", 48213, 48213),
        ("count", 212_600_000_001, WITHHELD),  # a number that is nobody's count
        ("is_new", True, True),
        ("seconds", 1.5, 1.5),
        ("carrier_id", SID, SID),
        ("carrier_id", "1000000042:57", "…:57"),  # the chat is the customer's
        ("error", "no route to +212600000001", "no route to [number]"),
        ("anything", {"body": "bonjour", "status": "ok"}, {"body": WITHHELD, "status": "ok"}),
        ("reason", ["a@b.ma", "full"], ["[email]", "full"]),
        ("thing", object(), WITHHELD),
    ],
)
def test_a_key_says_what_its_value_may_be(key: str, value: Any, expected: Any) -> None:
    assert withhold(None, "info", {key: value}) == {key: expected}


@given(
    before=st.text(max_size=20),
    digits=st.text("0123456789٠١٢٣٤٥٦٧٨٩", min_size=8, max_size=14),
    after=st.text(alphabet="abc .,;", max_size=20),
)
def test_no_telephone_number_gets_through_whatever_is_around_it(before: str, digits: str, after: str) -> None:
    assert digits not in masked(f"{before} {digits} {after}")


@given(st.text(max_size=200))
def test_any_text_can_be_masked(text: str) -> None:
    once = masked(text)
    assert withhold(None, "info", {"text": text}) == {"text": WITHHELD}
    assert isinstance(once, str)
