"""The terminal as a phone."""

from __future__ import annotations

import io

from rich.console import Console

from bot.channels.carrier import Attachment, Button, Channel, Outbound
from bot.commands.chat import TerminalCarrier


async def test_the_terminal_shows_the_text_the_name_of_what_goes_with_it_and_the_choices() -> None:
    screen = io.StringIO()
    message = Outbound(
        7,
        Channel.TERMINAL,
        "+212600000001",
        "Bonjour",
        (Button("Oui", "7:0"),),
        attachment=Attachment("facture-2026-03.png", "image/png", {}),
    )
    await TerminalCarrier(Console(file=screen)).send(message)
    assert screen.getvalue() == "Bonjour\n  [facture-2026-03.png]\n  1. Oui\n"
