"""What the store keeps unreadable: opened with the key that sealed it, for the purpose it was sealed for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings import Settings
from store.sealing import Keyring, NoKey, Unreadable, key_id

OLD, NEW = "o" * 32, "n" * 32
JPEG = b"\xff\xd8\xff\xe0picture"


@given(st.text())
def test_a_secret_comes_back_as_it_was(text: str) -> None:
    keyring = Keyring(NEW)
    assert keyring.open_secret(keyring.seal_secret(text, "webhook"), "webhook") == text


@given(st.binary())
def test_a_file_comes_back_as_it_was(content: bytes) -> None:
    keyring = Keyring(NEW)
    assert keyring.open_file(keyring.seal_file(content, "upload"), "upload") == content


def test_what_is_sealed_says_with_which_key_and_nothing_else() -> None:
    sealed = Keyring(NEW).seal_secret("JBSWY3DPEHPK3PXP", "second factor")
    assert sealed.startswith(f"sealed:{key_id(NEW)}:")
    assert "JBSWY3" not in sealed
    assert sealed != Keyring(NEW).seal_secret("JBSWY3DPEHPK3PXP", "second factor"), "never twice the same"
    assert JPEG not in Keyring(NEW).seal_file(JPEG, "upload")


def test_a_key_that_was_changed_opens_and_no_longer_seals() -> None:
    sealed = Keyring(OLD).seal_secret("secret", "webhook")
    changed = Keyring(NEW, [OLD])
    assert changed.open_secret(sealed, "webhook") == "secret"
    assert changed.seal_secret("secret", "webhook").startswith(f"sealed:{key_id(NEW)}:")
    with pytest.raises(Unreadable, match=f"needs key {key_id(OLD)}"):
        Keyring(NEW).open_secret(sealed, "webhook")


def test_without_a_key_files_are_kept_as_they_come_and_secrets_are_not_kept() -> None:
    assert Keyring().seal_file(JPEG, "upload") == JPEG
    assert Keyring(NEW).open_file(JPEG, "upload") == JPEG, "kept before there was a key"
    with pytest.raises(NoKey, match="RELEVE_SECRET_KEY"):
        Keyring().seal_secret("secret", "webhook")


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param("", id="empty"),
        pytest.param("secret", id="never sealed"),
        pytest.param(f"sealed:{key_id(NEW)}:", id="nothing but a header"),
        pytest.param(f"sealed:{key_id(NEW)}:é", id="no base 64"),
        pytest.param(f"sealed:{key_id(NEW)}:{'A' * 60}", id="made up"),
        pytest.param(Keyring(NEW).seal_secret("secret", "webhook")[:-4], id="cut short"),
        pytest.param(Keyring(NEW).seal_secret("secret", "upload"), id="sealed for another purpose"),
        pytest.param(
            Keyring(OLD).seal_secret("secret", "webhook").replace(key_id(OLD), key_id(NEW)), id="another's key"
        ),
    ],
)
def test_what_is_spoilt_is_not_opened(spoilt: str) -> None:
    with pytest.raises(Unreadable, match="webhook"):
        Keyring(NEW).open_secret(spoilt, "webhook")


@pytest.mark.parametrize(
    ("given_settings", "expected"),
    [
        ({}, ()),
        ({"secret_keys_old": OLD}, ()),
        ({"secret_key": NEW}, (key_id(NEW),)),
        ({"secret_key": NEW, "secret_keys_old": f" {OLD} ,, x"}, (key_id(NEW), key_id(OLD), key_id("x"))),
        ({"secret_key": NEW, "secret_keys_old": NEW}, (key_id(NEW),)),
    ],
)
def test_keys_come_from_the_settings(given_settings: dict[str, str], expected: tuple[str, ...]) -> None:
    assert Settings(_env_file=None, **given_settings).keyring.key_ids == expected


def test_a_key_has_no_comma() -> None:
    with pytest.raises(ValueError, match="comma"):
        Settings(_env_file=None, secret_key="a,b")
