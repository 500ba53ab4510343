"""What nobody means to send: odd texts, broken bytes, forms and JSON of the right shape with the wrong values.

Strategies draw from the grammar of what is read (its field names, its words) far more often than from all bytes: what
is refused in its first character shows little.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from hypothesis import strategies as st

MESSAGES = Path(__file__).parent / "understanding" / "messages.tsv"
MOST_READ = 1000
"""Characters of a message that are read at all (`bot.turns.hearing.MAX_TEXT`)."""

ODD = (
    "",
    " ",
    "\0",
    "\0\0\0a",
    "\ud800",
    "\udfff48213",
    "\u202e48213",
    "\ufeff",
    "\u200d" * 50,
    "٤٨٢١٣",
    "४८२१३",
    "𝟒𝟖𝟐𝟏𝟑",
    "①②③",
    "²³",
    "½",
    "Ⅻ",
    "一二三",
    "9" * 400,
    "-" * 400,
    "1e400",
    "NaN",
    "Infinity",
    "-0",
    "0x1F",
    "31/02/2026",
    "00/00/0000",
    "29 février 2025",
    "2026-13-45",
    "9999-12-31",
    "31 décembre 99999",
    "dans 99999999999 jours",
    "il y a 999999999999 mois",
    "/restart",
    '/submit_reading{"reading": "48213"}',
    "{{7*7}}",
    "%s%n%d",
    "{0.__class__}",
    "'; DROP TABLE message; --",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "é" * 300,
    "e\u0301" * 200,
    "\u0640" * 200,
    "👨‍👩‍👧‍👦" * 30,
    "ﷺ" * 50,
    "ß" * 100,
    "İ" * 100,
    "ŉ" * 100,
    "\r\n\r\n",
    "\x1b[2J",
    "a\tb\u2028c",
)
NUMBERS = (0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 10**400, 1.5, 1e308, -0.0)
NOT_NUMBERS = (float("nan"), float("inf"), float("-inf"))


@cache
def sayings() -> tuple[str, ...]:
    """What customers do write, to be cut up and put together wrongly."""
    lines = MESSAGES.read_text(encoding="utf-8").splitlines()
    return tuple(line.split("\t")[-1] for line in lines if not line.startswith("#"))


def texts() -> st.SearchStrategy[str]:
    """A message: real, odd, drawn from all of Unicode, pieces of all three, or one piece over and over."""
    piece = st.one_of(
        st.integers(0, len(sayings()) - 1).map(lambda number: sayings()[number]),
        st.sampled_from(ODD),
        st.text(st.characters(codec=None), max_size=30),
        st.text(alphabet="0123456789.,:/- ٠١٢٣٤٥٦٧٨٩kKhHdDmM°ordh", max_size=40),
        st.integers().map(str),
    )
    repeated = st.builds(lambda one, times: (one * times)[:MOST_READ], piece, st.integers(2, 400))
    glue = st.sampled_from(["", " ", "\n"])
    together = st.builds(lambda pieces, between: between.join(pieces), st.lists(piece, max_size=8), glue)
    return st.one_of(piece, together, repeated)


def long_texts() -> st.SearchStrategy[str]:
    """Up to a million characters."""
    return st.builds(
        lambda one, times: (one * times)[:1_000_000], st.sampled_from(ODD[1:]), st.sampled_from([1, 1000, 1_000_000])
    )


def values() -> st.SearchStrategy[Any]:
    """What may stand in the place of a value in JSON."""
    scalar = st.one_of(
        texts(), st.sampled_from(NUMBERS), st.sampled_from(NOT_NUMBERS), st.none(), st.booleans(), st.integers()
    )
    return st.one_of(scalar, st.lists(scalar, max_size=3), st.dictionaries(st.text(max_size=5), scalar, max_size=3))


def mutated(sound: Any) -> st.SearchStrategy[Any]:
    """`sound` JSON with some of its values exchanged for others, left out, or put in an array."""
    if isinstance(sound, Mapping):
        return st.fixed_dictionaries({}, optional={name: _sometimes_other(value) for name, value in sound.items()})
    if isinstance(sound, list):
        return st.lists(st.one_of([_sometimes_other(each) for each in sound] or [values()]), max_size=3)
    return _sometimes_other(sound)


def _sometimes_other(value: Any) -> st.SearchStrategy[Any]:
    same = mutated(value) if isinstance(value, Mapping | list) else st.just(value)
    return st.one_of(same, same, same, values())


def encoded(data: Any) -> bytes:
    """JSON as something careless would write it: NaN and lone surrogates included."""
    return json.dumps(data).encode("ascii")


def broken_json() -> st.SearchStrategy[bytes]:
    """Too deep, cut short, not UTF-8, with a name twice, or no JSON at all."""
    return st.one_of(
        st.integers(1, 100_000).map(lambda depth: b"[" * depth),
        st.integers(1, 5_000).map(lambda depth: b'{"a":' * depth + b"1" + b"}" * depth),
        st.binary(max_size=200),
        values().map(encoded).map(lambda body: body[: len(body) // 2]),
        st.just(b'{"update_id": 1, "update_id": {}, "message": null, "message": 3}'),
        st.just(b"\xef\xbb\xbf{}"),
        st.just('{"a": 1}'.encode("utf-16")),
        st.just(b'{"a": ' + b"9" * 5000 + b"}"),
        st.just(b""),
    )


def form_bodies(names: Iterable[str]) -> st.SearchStrategy[bytes]:
    """A form of the names given and some others, its values odd, its escapes sometimes broken."""
    name = st.one_of(st.sampled_from(sorted(names)), st.text(st.characters(codec="utf-8"), max_size=10))
    value = st.one_of(texts().map(_escaped), st.sampled_from(["%", "%zz", "%ff%fe", "%00", "+", "%ed%a0%80"]))
    pair = st.builds(lambda field, content: f"{_escaped(field)}={content}".encode(), name, value)
    return st.one_of(
        st.lists(pair, max_size=20).map(b"&".join),
        st.just(b"&".join([b"a=b"] * 2000)),
        st.binary(max_size=200),
    )


def _escaped(text: str) -> str:
    return quote_plus(text, errors="surrogatepass")


def path_parts() -> st.SearchStrategy[str]:
    """What may stand in the place of a number or a name in an address, as it is written there."""
    return st.one_of(
        st.integers(0, 5).map(str),
        st.sampled_from(NUMBERS).map(str),
        st.sampled_from(ODD).map(lambda text: quote_plus(text[:200], errors="surrogatepass") or "-"),
        st.sampled_from(["..", "..%2f..", "%2e%2e%2f", "%", "%00", "%ff", "a%0d%0ab", "-", "'", "1;2", "1e5"]),
    )


def queries(names: Iterable[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.just(""), form_bodies(names).map(lambda body: body[:2000].decode("latin-1")))
