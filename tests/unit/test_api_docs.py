"""The page about the API: its scripts are ours, and its policy lets it start."""

from __future__ import annotations

import re

import httpx
import pytest

pytest.importorskip("fastapi_offline")

from bot.edge.api_docs import ASSETS, OPENAPI, PAGE, mount_api_docs
from bot.edge.guarded import GuardedApp
from bot.settings import Settings


async def test_the_page_loads_nothing_from_elsewhere() -> None:
    app = GuardedApp(Settings(_env_file=None), lambda: False, docs_url=None, redoc_url=None, openapi_url=OPENAPI)
    mount_api_docs(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://releve.test") as client:
        page = await client.get(PAGE)
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert loaded
        for address in loaded:
            assert address.startswith(ASSETS)
            assert (await client.get(address)).status_code == 200
    policy = page.headers["content-security-policy"]
    assert "script-src 'self' 'sha256-" in policy
    assert "unsafe-eval" not in policy
    assert "http" not in policy
