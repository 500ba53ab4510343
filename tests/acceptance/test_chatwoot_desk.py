"""A customer asks for a person, and is answered from Chatwoot: the whole house, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from chatwoot_server import ACCOUNT, INBOX, SECRET, TOKEN, Chatwoot
from house import open_house
from pydantic import SecretStr
from serving import serving

from bot.bridges.chatwoot.webhook import PATH


@pytest.mark.parametrize("channel", ["whatsapp"])
async def test_a_conversation_goes_to_chatwoot_and_back(
    model: Path, assistant: object, empty_url: str, channel: str
) -> None:
    chatwoot = Chatwoot()
    async with serving(chatwoot.app(), lifespan="off") as theirs:
        configured = {
            "chatwoot_url": theirs,
            "chatwoot_account_id": ACCOUNT,
            "chatwoot_inbox_id": INBOX,
            "chatwoot_api_token": SecretStr(TOKEN),
            "chatwoot_webhook_secret": SecretStr(SECRET),
        }
        async with open_house(model, empty_url, assistant, **configured) as house:
            chatwoot.base, chatwoot.webhook_url = theirs, f"{house.base}{PATH}"
            phone = house.phone(channel, "+212600000001")
            assert "conseiller" in (await phone.says("je veux parler à un conseiller")).lower()
            await chatwoot.until(lambda: chatwoot.conversations and chatwoot.said(1, "incoming"))
            assert chatwoot.said(1, "incoming") == ["je veux parler à un conseiller"]

            await chatwoot.write(1, "Bonjour, ici Amina. Que puis-je faire ?")
            assert await phone.reply() == "Bonjour, ici Amina. Que puis-je faire ?"

            assert await phone.does(text="mon compteur est cassé") in ([200], [204])
            await chatwoot.until(lambda: "mon compteur est cassé" in chatwoot.said(1, "incoming"))
            assert await phone.does(media="photo") in ([200], [204])
            pictured = await chatwoot.until(
                lambda: [each for each in chatwoot.posted if each.get("attachments") and each["message_type"] == 0]
            )
            assert pictured[0]["attachments"][0]["size"] > 0

            await chatwoot.resolve(1)
            assert "5" in await phone.reply(), "the question how it was, and nothing twice before"
            assert "113 kWh" in await phone.says("mon index est 48213"), "the assistant answers again"
            assert len(chatwoot.conversations) == 1
