"""What is kept unreadable without the installation's key: AES-256-GCM, under a key of its own for each purpose.

A sealed value begins with a header that names its key, so that the database can be asked what is sealed with which
(`store.sealed_columns`), and an older key still opens what it sealed until all is sealed again.
"""

from __future__ import annotations

import hmac
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HEADER_LENGTH = 16
"""Of `sealed:`, eight hexadecimal digits that name the key, and a colon."""
NONCE_LENGTH = 12
_HEADER = re.compile(rb"sealed:([0-9a-f]{8}):")


class NoKey(RuntimeError):
    """There is nothing to seal a secret with; one line for the operator."""

    def __init__(self) -> None:
        super().__init__("set RELEVE_SECRET_KEY: this secret is not kept unsealed")


class Unreadable(RuntimeError):
    """What was sealed cannot be opened; one line for the operator, which names the key."""


class Keyring:
    """Seals with the current key, opens with any. Both are texts of any length; random ones of 32 letters or more.

    Secrets are text and are never kept unsealed. Files are bytes: without any key they are kept as they come, so
    that an installation can be tried with nothing configured; `releve secrets rotate` seals them later.
    """

    def __init__(self, current: str | None = None, old: Iterable[str] = ()) -> None:
        secrets = ([] if current is None else [current]) + [*old]
        self._secrets = {key_id(secret): secret for secret in secrets}
        self.current_id = None if current is None else key_id(current)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The names of all keys, the current one first."""
        return tuple(self._secrets)

    def seal_secret(self, text: str, purpose: str) -> str:
        """A secret as it is stored, in letters and digits. Raises `NoKey`."""
        if self.current_id is None:
            raise NoKey
        sealed = self._seal(text.encode(), purpose, self.current_id)
        return (sealed[:HEADER_LENGTH] + urlsafe_b64encode(sealed[HEADER_LENGTH:])).decode()

    def open_secret(self, sealed: str, purpose: str) -> str:
        """The secret again. Raises `Unreadable`."""
        header, body = sealed[:HEADER_LENGTH].encode(), sealed[HEADER_LENGTH:].encode()
        try:
            return self._open(header, urlsafe_b64decode(body), purpose).decode()
        except ValueError as error:  # not base 64
            raise Unreadable(f"what was sealed for {purpose} is spoilt") from error

    def seal_file(self, content: bytes, purpose: str) -> bytes:
        """A file as it is stored: as it is when there is no key."""
        return content if self.current_id is None else self._seal(content, purpose, self.current_id)

    def open_file(self, stored: bytes, purpose: str) -> bytes:
        """The file again, also one that was stored when there was no key. Raises `Unreadable`."""
        header = stored[:HEADER_LENGTH]
        return self._open(header, stored[HEADER_LENGTH:], purpose) if _HEADER.fullmatch(header) else stored

    def _seal(self, content: bytes, purpose: str, key: str) -> bytes:
        header, nonce = f"sealed:{key}:".encode(), os.urandom(NONCE_LENGTH)
        return header + nonce + _cipher(self._secrets[key], purpose).encrypt(nonce, content, header)

    def _open(self, header: bytes, body: bytes, purpose: str) -> bytes:
        found = _HEADER.fullmatch(header)
        if found is None:
            raise Unreadable(f"what was kept for {purpose} is not sealed")
        key = found[1].decode()
        secret = self._secrets.get(key)
        if secret is None:
            raise Unreadable(
                f"what was sealed for {purpose} needs key {key}: put it back as RELEVE_SECRET_KEY, or into"
                " RELEVE_SECRET_KEYS_OLD"
            )
        try:
            return _cipher(secret, purpose).decrypt(body[:NONCE_LENGTH], body[NONCE_LENGTH:], header)
        except (InvalidTag, ValueError) as error:  # ValueError: too short to hold a nonce
            raise Unreadable(f"what was sealed for {purpose} with key {key} is spoilt") from error


def key_id(secret: str) -> str:
    """The name of a key, eight hexadecimal digits, which tells nothing of the key."""
    return hmac.digest(secret.encode(), b"releve key id", "sha256")[:4].hex()


@cache
def _cipher(secret: str, purpose: str) -> AESGCM:
    return AESGCM(hmac.digest(secret.encode(), f"releve sealed {purpose}".encode(), "sha256"))
