"""What the emulators keep: the phones' screens, the carriers' books, the count of SMS parts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.channels.carrier import Channel
from bot.tryit.customer import CustomerAction, chat_id_for
from bot.tryit.ledger import Ledger
from bot.tryit.phone import PhoneKey, Phones
from bot.tryit.sms_parts import count_parts

CUSTOMER = "+212600000001"
CHAT = chat_id_for(CUSTOMER)


def test_the_ledger_writes_every_line_to_its_file_and_forgets_the_oldest(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl", size=2)
    for body in ("un", "deux", "trois"):
        ledger.record(channel=Channel.SMS, to=CUSTOMER, body=body, id="SM", buttons=[])
    assert [json.loads(line)["number"] for line in ledger.lines()] == [2, 3]
    assert [json.loads(line)["number"] for line in ledger.lines(after=2)] == [3]
    written = (tmp_path / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["body"] for line in written] == ["un", "deux", "trois"]
    ledger.close()


def test_phones_forget_the_least_recently_used_first() -> None:
    phones = Phones(max_phones=2, max_messages=3)
    one, two, three = (PhoneKey(Channel.SMS, f"+21260000000{n}") for n in range(3))
    for phone in (one, two, one, three, one, one, one):
        phones.add(phone, id="SM", mine=True, text="")
    assert (len(phones.messages(one)), phones.messages(two), len(phones.messages(three))) == (3, [], 1)


def test_a_chat_does_not_give_the_number_away() -> None:
    assert chat_id_for(CUSTOMER) == chat_id_for(CUSTOMER) != chat_id_for("+212600000002")
    assert CUSTOMER[-9:] not in chat_id_for(CUSTOMER)
    assert CustomerAction.model_validate({"from": CHAT, "text": "a"}).sender == CHAT


@pytest.mark.parametrize(
    ("text", "parts", "encoding"),
    [
        ("", 1, "GSM-7"),
        ("a" * 160, 1, "GSM-7"),
        ("a" * 161, 2, "GSM-7"),
        ("a" * 159 + "€", 2, "GSM-7"),  # the euro sign takes two septets
        ("ç", 1, "UCS-2"),
        ("س" * 70, 1, "UCS-2"),
        ("س" * 71, 2, "UCS-2"),
        ("🙂" * 36, 2, "UCS-2"),
    ],
)
def test_sms_parts_are_counted_as_the_network_counts_them(text: str, parts: int, encoding: str) -> None:
    assert count_parts(text) == (parts, encoding)
