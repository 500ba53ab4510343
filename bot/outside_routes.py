"""The routes of a helpdesk that is the desk: its calls, the files that it fetches, and the bridge's webhook."""

from __future__ import annotations

from fastapi import FastAPI

from bot.api.hand_overs import hand_overs_router
from bot.bridges.chatwoot.webhook import chatwoot_router
from bot.desk.context import Desk
from bot.parting import Parting
from bot.received_files import ReceivedFiles, ReceivedLinks, received_router


def mount_outside_desk(app: FastAPI, desk: Desk) -> None:
    """Put them beside the desk's own pages, with the same parts."""
    links = ReceivedLinks(desk.settings)
    parting = Parting(desk.texts, desk.operator)
    files = ReceivedFiles(desk.database, desk.carriers, desk.settings.keyring)
    app.include_router(received_router(files, links, desk.clock))
    app.include_router(hand_overs_router(desk.database, parting, desk.carriers.keys(), links, desk.send, desk.clock))
    if desk.settings.chatwoot_configured:
        app.include_router(chatwoot_router(desk.settings, desk.database, desk.clock))
