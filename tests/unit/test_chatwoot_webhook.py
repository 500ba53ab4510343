"""Chatwoot's webhooks: which are signed, and which conversation they are about."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bridges.chatwoot.webhook import is_for_customer, is_signed, ticket_of

SECRET = b"secret"
BODY = b'{"event": "message_created"}'
STAMP = "1795448400"
RIGHT = "sha256=" + hmac.new(SECRET, f"{STAMP}.".encode() + BODY, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("stamp", "signature", "is_right"),
    [
        (STAMP, RIGHT, True),
        (STAMP, RIGHT.removeprefix("sha256="), False),
        (STAMP, RIGHT.upper(), False),
        (STAMP, "", False),
        (STAMP, "é\ud800", False),
        ("1795448401", RIGHT, False),
        ("", RIGHT, False),
        ("١٢٣", RIGHT, False),
        ("9" * 13, RIGHT, False),
    ],
)
def test_only_the_secrets_signature_is_right(stamp: str, signature: str, is_right: bool) -> None:
    assert is_signed(BODY, stamp, signature, SECRET) is is_right


@pytest.mark.parametrize(
    ("event", "ticket"),
    [
        ({"event": "message_created", "id": 99, "conversation": {"id": 5}}, 5),
        ({"event": "message_updated", "conversation": {"id": 5}}, 5),
        ({"event": "conversation_status_changed", "id": 5, "status": "resolved"}, 5),
        ({"event": "message_created", "id": 99}, None),
        ({"event": "message_created", "conversation": {"id": True}}, None),
        ({"event": "conversation_updated", "id": 2**63}, None),
        ({"event": "conversation_updated", "id": "5"}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_a_webhook_says_which_conversation_it_is_about(event: Any, ticket: int | None) -> None:
    assert ticket_of(event) == ticket


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["event", "conversation", "id"]) | st.text(), inner)
    ),
)


@given(_json)
def test_no_body_breaks_it(event: Any) -> None:
    ticket = ticket_of(event)
    assert ticket is None or (type(ticket) is int and ticket > 0)


@pytest.mark.parametrize(
    ("event", "is_one"),
    [
        ({"event": "message_created", "message_type": "outgoing", "private": False}, True),
        ({"event": "message_created", "message_type": 1}, True),
        ({"event": "message_created", "message_type": "outgoing", "private": True}, False),
        ({"event": "message_created", "message_type": "incoming"}, False),
        ({"event": "message_updated", "message_type": "outgoing"}, False),
        ({"event": "conversation_status_changed"}, False),
    ],
)
def test_what_an_agent_wrote_to_the_customer_is_known(event: dict[str, Any], is_one: bool) -> None:
    assert is_for_customer(event) is is_one
