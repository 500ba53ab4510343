"""Passwords: what is refused, and argon2id hashes that are made away from the event loop."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

Result = TypeVar("Result")

SHORTEST = 12
LONGEST = 200
"""Longer ones only keep the processor busy."""
STARTING_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that are mistaken for one another when they are read out."""

# What people type when they are asked for twelve characters; compared without digits, signs and capital letters.
# fmt: off
USUAL = frozenset((
    "password", "passwd", "motdepasse", "monmotdepasse", "azerty", "azertyuiop", "qwerty", "qwertyuiop",
    "qsdfghjklm", "asdfghjkl", "admin", "administrator", "administrateur", "bienvenue", "welcome", "letmein",
    "changeme", "changemoi", "secret", "iloveyou", "jetaime", "bonjour", "salam", "maroc", "morocco", "casablanca",
    "rabat", "releve", "releveonee", "onee", "utilisateur", "agent", "superviseur", "supervisor", "soleil",
    "football",
))
# fmt: on

_hasher = PasswordHasher()
# Each hash takes 64 MiB and a tenth of a second: two at a time, however many sign in, or try to.
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")


class WeakPassword(ValueError):
    """The password is refused; `fault` says why: `short`, `long`, `own` or `usual`."""

    def __init__(self, fault: str) -> None:
        super().__init__(_SENTENCES[fault])
        self.fault = fault


_SENTENCES = {
    "short": f"a password has at least {SHORTEST} characters",
    "long": f"a password has at most {LONGEST} characters",
    "own": "a password must not contain the name or the e-mail address",
    "usual": "this password is too easy to guess",
}


def check(password: str, own_words: Iterable[str]) -> None:
    """Raise `WeakPassword` unless it is long, not a usual one, and without the person's `own_words`.

    The rules are NIST SP 800-63B's: length and a list of what is guessed first, no required kinds of characters.
    """
    if len(password) < SHORTEST:
        raise WeakPassword("short")
    if len(password) > LONGEST:
        raise WeakPassword("long")
    lowered = password.casefold()
    if any(len(word) > 3 and word.casefold() in lowered for word in own_words):
        raise WeakPassword("own")
    letters = "".join(each for each in lowered if each.isalpha())
    if len(set(lowered)) < 5 or letters in USUAL or _is_a_run(lowered):
        raise WeakPassword("usual")


def starting_password() -> str:
    """One to be told to somebody, who must change it: four groups of four, about 79 bits."""
    groups = ("".join(secrets.choice(STARTING_LETTERS) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


async def hashed(password: str) -> str:
    """The argon2id hash of a password."""
    return await _in_a_thread(lambda: _hasher.hash(_normal(password)))


async def matches(password: str, password_hash: str | None) -> bool:
    """Whether it is the password of a hash. Without a hash it takes as long, and is not."""
    return await _in_a_thread(lambda: _matches(password, password_hash))


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def _matches(password: str, password_hash: str | None) -> bool:
    try:
        _hasher.verify(password_hash or _nobodys(), _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@cache
def _nobodys() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))


def _normal(password: str) -> str:
    # Accented letters come in two forms, depending on the keyboard.
    return unicodedata.normalize("NFC", password[: LONGEST + 1])


def _is_a_run(text: str) -> bool:
    """Whether it goes on as it began: 123456789012, abcdefghijkl."""
    steps = [ord(after) - ord(before) for before, after in pairwise(text)]
    return sum(step in (1, -1, 0) for step in steps) > 0.8 * len(steps)


async def _in_a_thread(work: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_threads, work)
