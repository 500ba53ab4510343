"""Bills from end to end: in five languages on three channels, with the picture on the phone."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from house import House, Phone, open_house
from PIL import Image


@pytest_asyncio.fixture
async def house(model: Path, assistant: object, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(model, f"sqlite+aiosqlite:///{tmp_path / 'house.db'}", assistant) as house:
        yield house


SAID = {
    "fr": ("pourquoi ma facture a changé ?", "combien je dois ?", "une copie de ma facture svp", "640,00"),
    "ar": ("لماذا تغيرت فاتورتي؟", "كم يجب علي أن أدفع؟", "أريد نسخة من فاتورتي", "640,00"),
    "ary": ("علاش تبدلات الفاتورة ديالي", "شحال خاصني نخلص", "بغيت نسخة من الفاتورة", "640,00"),
    "ary-Latn": ("3lach tbeddlat lfactora dyali", "ch7al khasni nkhless", "bghit nos5a dyal lfactora", "640,00"),
    "en": ("why did my bill change?", "how much do i owe?", "i want a copy of my bill", "640.00"),
}


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "telegram"])
@pytest.mark.parametrize("language", SAID)
async def test_a_bill_is_owed_explained_and_copied(house: House, channel: str, language: str) -> None:
    why, owed, copy, amount = SAID[language]
    phone = house.phone(channel, "+212600000005")
    if channel == "telegram":  # a chat says nothing of the phone behind it
        await phone.says(owed)
        assert amount in await phone.taps("")
    else:
        assert amount in await phone.says(owed)
    explained = await phone.says(why)
    assert "DH" in explained or "درهم" in explained
    if channel != "sms":
        picture = Image.open(io.BytesIO(await file_of(phone, "image/png")))
        assert picture.width == 1080
    answer = await phone.says(copy)
    if channel == "telegram":
        content = await file_of(phone, "application/pdf")
    else:
        content = await fetched(answer.split()[-1])
    assert content.startswith(b"%PDF")


async def file_of(phone: Phone, content_type: str) -> bytes:
    """What came with the last message on the phone's screen."""
    last = (await phone.screen())[-1]
    answer = await phone.client.get(f"/{last['file']['url']}")
    assert answer.headers["Content-Type"].startswith(content_type)
    return answer.content


async def fetched(link: str) -> bytes:
    async with httpx.AsyncClient() as client:
        return (await client.get(link)).content
