"""The second factor: codes of six digits that change every half minute (TOTP, RFC 6238), and how one is enrolled."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

import pyotp
import segno

from bot.desk.sealing import Seal
from bot.settings import Settings
from store.users import SECOND_FACTOR

STEP_SECONDS = 30
ISSUER = "Relève"
ENROLMENT = timedelta(minutes=15)


class SecondFactors:
    """Makes secrets, seals them for the store, and reads codes. A sealed secret is good for one account only."""

    def __init__(self, settings: Settings) -> None:
        self._keyring = settings.keyring
        self._seal = Seal(settings.secret_keys, "second factor") if settings.secret_keys else None
        self.are_possible = self._seal is not None
        """False without a SECRET_KEY: there is nothing to seal them with."""
        self.are_required = settings.desk_second_factor == "required"

    def new(self, user_id: int, now: datetime) -> str:
        """A new secret, sealed for the page that shows it, to be enrolled within `ENROLMENT`."""
        assert self._seal is not None
        return self._seal.seal(f"{user_id}:{pyotp.random_base32()}", now)

    def shown(self, sealed: str, user_id: int, now: datetime) -> str | None:
        """The secret that `new` made, in base 32; None when it is not this account's, or too old."""
        return _of_account(self._seal.open(sealed, now, ENROLMENT) if self._seal else None, user_id)

    def kept(self, secret: str, user_id: int) -> str:
        """A secret as the store keeps it. Raises `NoKey`."""
        return self._keyring.seal_secret(f"{user_id}:{secret}", SECOND_FACTOR)

    def secret(self, kept: str, user_id: int) -> str | None:
        """The secret that the store keeps, in base 32; None when it is not this account's. Raises `Unreadable`."""
        return _of_account(self._keyring.open_secret(kept, SECOND_FACTOR), user_id)


def _of_account(opened: str | None, user_id: int) -> str | None:
    owner, _, secret = (opened or "").partition(":")
    return secret if owner == str(user_id) else None


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step at which `code` is right: this one, the last or the next, for clocks that differ; else None."""
    digits = "".join(code.split()).encode()
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    current = int(now.timestamp()) // STEP_SECONDS
    for step in (current, current - 1, current + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), digits):
            return step
    return None


def picture(secret: str, email: str) -> str:
    """The QR code that applications scan, as an address for `<img src>`."""
    address = pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=email, issuer_name=ISSUER)
    return segno.make(address, error="m").svg_data_uri(scale=5, border=4, dark="#000", light="#fff")


def spelt(secret: str) -> str:
    """A secret in groups of four, for those who type it."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
