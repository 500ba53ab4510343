"""What customers find who left a request half-way and come back after days, and how they answer what was offered."""

from __future__ import annotations

import pytest
from stage import Stage

from bot.channels.carrier import Channel

WHATSAPP = Channel.WHATSAPP
OFFER = "Votre demande (paiement en plusieurs fois) n'est pas terminée"


@pytest.fixture
async def left(stage: Stage) -> Stage:
    """Instalments asked for, the question about the reason left open for four days."""
    assert "pourquoi" in await stage.write("je veux payer en 2 fois", channel=WHATSAPP)
    stage.later(days=4)
    return stage


async def test_the_message_is_answered_and_then_the_request_is_offered(left: Stage) -> None:
    said = await left.write("combien je dois ?", channel=WHATSAPP)

    assert said.index("120,35 DH") < said.index(OFFER)
    assert OFFER not in await left.write("merci", channel=WHATSAPP)


@pytest.mark.parametrize("answer", ["oui", "1"])
async def test_yes_goes_on_with_what_was_said_and_the_dates_of_today(left: Stage, answer: str) -> None:
    await left.write("bonjour", channel=WHATSAPP)

    assert "pourquoi" in await left.write(answer, channel=WHATSAPP)
    proposed = await left.write("passer", channel=WHATSAPP)
    assert proposed.count(" DH") >= 2
    assert "25/11/2026" not in proposed
    assert "reçue" in (await left.write("oui", channel=WHATSAPP)).lower()


async def test_no_forgets_it(left: Stage) -> None:
    await left.write("bonjour", channel=WHATSAPP)

    assert "je l'oublie" in await left.write("non", channel=WHATSAPP)
    left.later(days=4)
    assert OFFER not in await left.write("bonjour", channel=WHATSAPP)


async def test_it_is_offered_when_nothing_else_is_open(left: Stage) -> None:
    assert OFFER not in await left.write("je veux envoyer un relevé", channel=WHATSAPP)

    assert OFFER in await left.write("48150", channel=WHATSAPP)


async def test_it_is_offered_again_after_another_absence_and_forgotten_after_a_month(left: Stage) -> None:
    assert OFFER in await left.write("bonjour", channel=WHATSAPP)
    left.later(days=5)
    assert OFFER in await left.write("bonjour", channel=WHATSAPP)
    left.later(days=30)
    assert OFFER not in await left.write("bonjour", channel=WHATSAPP)


async def test_a_new_request_takes_the_place_of_the_old_one(left: Stage) -> None:
    assert "pourquoi" in await left.write("je veux payer en 2 fois", channel=WHATSAPP)
    await left.write("annuler", channel=WHATSAPP)

    assert OFFER not in await left.write("bonjour", channel=WHATSAPP)


async def test_the_beginning_of_a_title_presses_its_button(stage: Stage) -> None:
    await stage.write("mes données", channel=WHATSAPP)
    assert "copie de ce que nous gardons" in await stage.write("recevoir", channel=WHATSAPP)


async def test_words_in_another_language_given_for_a_reason_do_not_change_the_reply(stage: Stage) -> None:
    await stage.write("je veux payer en 2 fois", channel=WHATSAPP)

    said = await stage.write("my employer is closed. how sad. the money is late", channel=WHATSAPP)

    assert "Une personne décidera" in said
