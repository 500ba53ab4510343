"""`releve demo` as a newcomer meets it: one command, a page, a reading, in a real browser."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest_asyncio
from browser import open_browser
from playwright.async_api import expect


@pytest_asyncio.fixture
async def demo(model: Path, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a demo of its own process and database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo", "--port", str(port), "--data", str(tmp_path / "demo.db")),
        env=os.environ | {"RELEVE_MODEL_DIR": str(model)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient() as client:
            for _ in range(600):
                assert process.returncode is None, "the demo ended by itself"
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(f"{address}/readyz")).status_code == 200:
                        break
                await asyncio.sleep(0.1)
        yield address
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)


async def test_a_newcomer_texts_a_reading_on_each_phone(demo: str) -> None:
    async with open_browser() as browser:
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        await page.goto(f"{demo}/try/")
        await page.wait_for_selector("body[data-ready=true]")
        for phone in ("sms", "whatsapp", "telegram"):
            box = page.locator(f"#{phone} textarea, #{phone} input[type=text]").first
            await box.fill("48213")
            await box.press("Enter")
            await expect(page.locator(f"#{phone} .theirs").first).to_be_visible(timeout=20_000)
        await expect(page.locator("#sms .theirs").first).to_contain_text("R-")
        await page.locator("#telegram .keyboard button").first.click()
        await expect(page.locator("#telegram .theirs").last).to_contain_text("R-", timeout=20_000)
        if picture := os.environ.get("RELEVE_PICTURE"):
            await page.screenshot(path=picture)
