"""Phone numbers as people type them."""

from __future__ import annotations

import phonenumbers

from bot.faults import Fault


def e164(text: str, country: str) -> str:
    """`text` as +212…; a number without a prefix belongs to `country` (ISO code). Raises `Fault`."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as error:
        raise Fault(f"not a phone number: {text!r}") from error
    if not phonenumbers.is_possible_number(number):
        raise Fault(f"not a phone number: {text!r}")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
