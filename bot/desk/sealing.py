"""What a browser gets for a few minutes and must give back unread and unchanged. What is kept: `store.sealing`."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr


class Seal:
    """Seals texts with keys of its own for one `purpose`, made from the installation's `secret_keys`.

    The first seals. The others open what was sealed just before the key was changed.
    """

    def __init__(self, secret_keys: Sequence[SecretStr], purpose: str) -> None:
        self._fernet = MultiFernet([_fernet(key, purpose) for key in secret_keys])

    def seal(self, text: str, now: datetime) -> str:
        """The sealed text, in letters and digits that fit an address, a form or a cookie."""
        return self._fernet.encrypt_at_time(text.encode(), int(now.timestamp())).decode()

    def open(self, sealed: str, now: datetime, within: timedelta) -> str | None:
        """The text; None when it was not sealed here, with these keys and purpose, or longer ago than `within`."""
        try:
            return self._fernet.decrypt_at_time(
                sealed.encode(), int(within.total_seconds()), int(now.timestamp())
            ).decode()
        except InvalidToken:
            return None


def _fernet(secret_key: SecretStr, purpose: str) -> Fernet:
    key = hmac.digest(secret_key.get_secret_value().encode(), f"releve {purpose}".encode(), "sha256")
    return Fernet(urlsafe_b64encode(key))
