"""Which passwords are refused, and why."""

from __future__ import annotations

import pytest

from store import passwords
from store.passwords import WeakPassword
from store.users import BadAddress, normal_email, own_words

AMINA = own_words("amina.elf@desk-onee.ma", "Amina El Fanouss")


@pytest.mark.parametrize(
    "password",
    [
        "quatre mots bien tiennent",
        "lanterne-cle-42",
        "عشرون كلمة سهلة",
        "Tr0ub4dor&3xyz",
        # Drawn anew each time: without a name, the processes that share out the tests would not see the same one.
        pytest.param(passwords.starting_password(), id="a starting password"),
    ],
)
def test_good_passwords_are_taken(password: str) -> None:
    passwords.check(password, AMINA)


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("", "short"),
        ("onze lettre", "short"),
        ("x" * 201, "long"),
        ("AMINA et les autres", "own"),
        ("avec fanouss dedans", "own"),
        ("amina.elf@desk-onee.ma", "own"),
        ("desk-onee toujours", "own"),
        ("motdepasse2026!", "usual"),
        ("Azertyuiop-123", "usual"),
        ("Casablanca2026", "usual"),
        ("123456789012", "usual"),
        ("abcdefghijklm", "usual"),
        ("aaaaaaaaaaaaaa", "usual"),
        ("abababababababab", "usual"),
    ],
)
def test_weak_passwords_are_refused_with_the_reason(password: str, fault: str) -> None:
    with pytest.raises(WeakPassword) as refused:
        passwords.check(password, AMINA)
    assert refused.value.fault == fault


def test_starting_passwords_differ_and_can_be_read_out() -> None:
    made = {passwords.starting_password() for _ in range(200)}
    assert len(made) == 200
    assert not set("".join(made)) & set("ilo01")


@pytest.mark.parametrize(
    "text", ["", "amina", "a@b", "a b@desk.ma", "a@@desk.ma", "a@desk.ma\nBcc: x", "<a@desk.ma>"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        normal_email(text)


def test_addresses_are_kept_in_small_letters() -> None:
    assert normal_email("  Amina.ELF@Desk.MA ") == "amina.elf@desk.ma"
