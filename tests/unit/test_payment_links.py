"""The address at which one debt is paid."""

from __future__ import annotations

import hashlib
import hmac
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr, ValidationError

from actions.operator import Operator, load_operator
from actions.payment_links import payment_link
from bot.service import OPERATORS

TEMPLATE = "https://pay.example.ma/?c={contract}&a={amount}&r={reference}&s={signature}"


def operator(**changes: object) -> Operator:
    return load_operator(OPERATORS, "onee").model_copy(update=changes)


def test_a_link_carries_contract_amount_and_reference() -> None:
    link = payment_link(operator(payment_link=TEMPLATE[:-14]), "10000005", Decimal("640.00"), "F 5/1")

    assert link is not None
    assert parse_qs(urlsplit(link).query) == {"c": ["10000005"], "a": ["640.00"], "r": ["F 5/1"]}


def test_a_signed_link_can_be_checked_by_the_page() -> None:
    shared = operator(payment_link=TEMPLATE, payment_secret=SecretStr("between us"))

    link = payment_link(shared, "10000005", Decimal("640.00"), "F5")

    assert link is not None
    signature = parse_qs(urlsplit(link).query)["s"][0]
    assert signature == hmac.new(b"between us", b"10000005|640.00|F5", hashlib.sha256).hexdigest()


def test_an_operator_without_a_page_has_no_links() -> None:
    assert payment_link(operator(), "10000005", Decimal("1.00"), "F5") is None


def test_a_template_with_a_field_that_nobody_fills_is_refused() -> None:
    described = load_operator(OPERATORS, "onee").model_dump()

    with pytest.raises(ValidationError, match="unknown fields: phone"):
        Operator.model_validate(described | {"payment_link": "https://pay.example.ma/{phone}"})
