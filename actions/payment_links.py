"""The operator's payment page for one contract: address, amount and reference in it, signed when they want it."""

from __future__ import annotations

import hashlib
import hmac
from decimal import Decimal
from urllib.parse import quote

from actions.operator import Operator


def payment_link(operator: Operator, contract: str, amount: Decimal, reference: str) -> str | None:
    """Where the debt can be paid at once; None when the operator has no such page.

    `{signature}` in the operator's template is HMAC-SHA256 in hexadecimal over `contract|amount|reference`, keyed
    with the secret that the page shares with us.
    """
    if operator.payment_link is None:
        return None
    values = {"contract": contract, "amount": f"{amount:.2f}", "reference": reference}
    if operator.payment_secret is not None:
        signed = "|".join(values.values()).encode()
        key = operator.payment_secret.get_secret_value().encode()
        values["signature"] = hmac.new(key, signed, hashlib.sha256).hexdigest()
    return operator.payment_link.format_map({name: quote(value, safe="") for name, value in values.items()})
