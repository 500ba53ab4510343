"""A picture of a meter from a phone to a recorded reading, read by the real recogniser (the extra `photos`)."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from house import House, open_house
from PIL import Image
from sqlalchemy import select

from bot.photos.looker import Looker, NotSeen, is_installed
from bot.tryit.customer import PHOTO
from store.models import Reading

pytestmark = pytest.mark.skipif(not is_installed(), reason="the extra `photos` is not installed")


@pytest_asyncio.fixture
async def house(
    empty_url: str, model: Path, assistant: object, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """On each engine, with all the time that a machine needs which the tests share with others."""
    monkeypatch.setenv("RELEVE_PHOTO_SECONDS", "100")
    async with open_house(model, empty_url, assistant) as house:
        yield house


@pytest.mark.parametrize("channel", ["whatsapp", "telegram"])
async def test_a_picture_is_read_on_the_spot_confirmed_and_recorded(house: House, channel: str) -> None:
    phone = house.phone(channel, "+212600000001")
    await phone.does(media="photo")
    asked = await phone.reply(wait=59)
    if channel == "telegram":  # a chat says nothing of the phone behind it
        assert "48213" not in asked
        asked = await phone.taps("")
        asked = asked if "48213" in asked else await phone.reply()
    assert "J'ai lu 48213" in asked
    told = await phone.taps("Oui")
    assert "48213" in told
    assert "113 kWh" in told
    async with house.service.database.reading() as session:
        reading = await session.scalar(select(Reading).where(Reading.photo_id.is_not(None)))
    assert reading is not None
    assert (reading.value, reading.channel) == (48213, channel)


# --- what the looking process makes of anything else ---------------------------------------------------------


@pytest_asyncio.fixture
async def eyes() -> AsyncIterator[Looker]:
    eyes = Looker(seconds=100)
    yield eyes
    eyes.close()


def bomb() -> bytes:
    """A picture of 100,000 by 100,000 pixels in a few hundred bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(100_000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def turned_picture() -> bytes:
    file = io.BytesIO()
    with Image.open(PHOTO) as meter:
        turned = meter.transpose(Image.Transpose.ROTATE_90)
        exif = Image.Exif()
        exif[0x0112] = 6  # turn it a quarter to the right to see it upright
        exif[0x010F] = "Somebody's phone"
        turned.save(file, "JPEG", exif=exif)
    return file.getvalue()


async def test_whatever_a_stranger_sends_is_refused_or_read(eyes: Looker) -> None:
    for spoilt in (bomb(), b"", b"no picture", PHOTO.read_bytes()[:500], b"GIF89a" + bytes(40)):
        with pytest.raises(NotSeen):
            await eyes.look(spoilt)
    seen = await eyes.look(turned_picture())
    assert any(line["text"] == "482135" and line["red"] == [5] for line in seen.lines), "turned as its phone says"
    assert b"Somebody" not in seen.content, "what the phone noted in it is not kept"
    blank = io.BytesIO()
    Image.new("RGB", (64, 64), "grey").save(blank, "PNG")
    assert (await eyes.look(blank.getvalue())).lines == []
