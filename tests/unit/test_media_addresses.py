"""Which network addresses media may come from."""

from __future__ import annotations

import pytest

from bot.channels.carrier import Media, MediaType
from bot.channels.media import PrivateAddress, PublicAddresses, is_as_said, is_public

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("54.172.60.1", True),
        ("2600:1f18::1", True),
        ("127.0.0.1", False),
        ("10.0.0.8", False),
        ("172.16.9.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),  # a cloud's metadata
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),  # 10.0.0.1 through NAT64
        ("2002:7f00:1::", False),  # 127.0.0.1 through 6to4
        ("not an address", False),
        ("", False),
    ],
)
def test_only_addresses_of_the_public_internet_are_asked(address: str, public: bool) -> None:
    assert is_public(address) is public


async def test_a_name_that_stands_for_this_machine_is_refused() -> None:
    names = PublicAddresses()
    with pytest.raises(PrivateAddress):
        await names.resolve("localhost", 443)
    await names.close()


@pytest.mark.parametrize(
    ("said", "content", "taken"),
    [
        (MediaType.IMAGE, PNG, True),
        (MediaType.IMAGE, b"OggS" + b"\0" * 40, False),
        (MediaType.IMAGE, b"<html>", False),
        (MediaType.IMAGE, b"", False),
        (MediaType.AUDIO, b"OggS" + b"\0" * 40, True),
        (MediaType.AUDIO, PNG, False),
        (MediaType.AUDIO, b"a container of next year", True),
        (MediaType.STICKER, PNG, True),
        (MediaType.VIDEO, b"%PDF-1.7", False),
        (MediaType.DOCUMENT, b"anything", True),
    ],
)
def test_content_must_be_of_the_kind_that_was_said(said: MediaType, content: bytes, taken: bool) -> None:
    assert is_as_said(Media(said, "reference"), content) is taken
