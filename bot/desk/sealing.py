"""Small secrets that go into the database or a browser, and must come back unread and unchanged."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken
from pydantic import SecretStr


class Seal:
    """Seals texts with a key of its own, made from the installation's SECRET_KEY for one `purpose`."""

    def __init__(self, secret_key: SecretStr, purpose: str) -> None:
        key = hmac.digest(secret_key.get_secret_value().encode(), f"releve {purpose}".encode(), "sha256")
        self._fernet = Fernet(urlsafe_b64encode(key))

    def seal(self, text: str, now: datetime) -> str:
        """The sealed text, in letters and digits that fit an address, a form or a cookie."""
        return self._fernet.encrypt_at_time(text.encode(), int(now.timestamp())).decode()

    def open(self, sealed: str, now: datetime, within: timedelta | None = None) -> str | None:
        """The text; None when it was not sealed here, with this key and purpose, or longer ago than `within`."""
        token = sealed.encode()
        try:
            if within is None:
                return self._fernet.decrypt(token).decode()
            return self._fernet.decrypt_at_time(token, int(within.total_seconds()), int(now.timestamp())).decode()
        except InvalidToken:
            return None
