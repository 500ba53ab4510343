"""What is kept of each inbound message's understanding, for people to review what was unsure."""

from __future__ import annotations

import pytest
from stage import Stage

from bot.channels.carrier import Channel


@pytest.mark.parametrize(
    ("text", "intent", "language"),
    [
        ("combien je dois pour ma dernière facture", "check_balance", "fr"),
        ("السلام عليكم بغيت نعرف شحال خاصني نخلص", "check_balance", "ary"),
        ("I want to pay in three instalments please", "request_instalments", "en"),
    ],
)
async def test_a_sure_message_keeps_what_it_was_understood_as(
    stage: Stage, text: str, intent: str, language: str
) -> None:
    await stage.write(text)
    [message] = await stage.messages()
    assert message.understood is not None
    assert message.understood["intent"] == intent
    assert message.understood["certainty"] == "sure"
    assert message.understood["language"] == language
    assert message.understood["meant"] is None
    assert message.understood["ranking"][0] == [intent, message.understood["confidence"]]


async def test_a_message_that_was_not_sure_keeps_what_it_might_have_meant(stage: Stage) -> None:
    await stage.write("euh le truc zarbi de la dernière fois là wqs blorp")
    [message] = await stage.messages()
    found = message.understood
    assert found is not None
    assert found["intent"] == "nlu_fallback"
    assert found["certainty"] in ("unsure", "lost")
    assert found["meant"] == found["ranking"][0][0]
    confidences = [confidence for _, confidence in found["ranking"]]
    assert len(confidences) == 5
    assert confidences == sorted(confidences, reverse=True)


async def test_a_pressed_button_was_never_in_doubt(stage: Stage) -> None:
    await stage.write("84213", channel=Channel.WHATSAPP)  # 48213, perhaps?
    await stage.press(1, channel=Channel.WHATSAPP)
    message = (await stage.messages())[-1]
    assert message.understood is not None
    assert message.understood["certainty"] == "sure"
    assert message.understood["ranking"] == []
