"""A real Chromium for the tests of pages: the size of a small phone, in another zone than the clinic's.

Rule that holds here: a browser belongs to the event loop that started it, so each file of tests has one of its own.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, BrowserContext, Dialog, Page, async_playwright, expect

from tests.gateway.edge.page_server import PageServer

CHROMIUM = Path("/usr/bin/chromium")
STRICT = os.environ.get("LINK_GATEWAY_TESTS_STRICT") == "1"
PHONE = {"width": 360, "height": 640}
WITHIN_MS = 15_000
IN_CHROMIUM = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM.exists() and not STRICT, reason="needs chromium"),
]

Address = Callable[[str], str]
Link = tuple[PageServer, Address]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    expect.set_options(timeout=WITHIN_MS)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="module")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(viewport=PHONE, timezone_id="America/New_York")  # type: ignore[arg-type]
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def faults(context: BrowserContext) -> list[str]:
    """What any page of this context complained of: errors, broken policy, dialogs of scripts that must not run."""
    found: list[str] = []

    async def refuse(dialog: Dialog) -> None:
        found.append(f"a dialog: {dialog.message}")
        await dialog.dismiss()

    def watch(page: Page) -> None:
        page.on("console", lambda message: found.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: found.append(str(error)))
        page.on("dialog", refuse)

    context.on("page", watch)
    return found


@pytest_asyncio.fixture(loop_scope="module")
async def page(context: BrowserContext, faults: list[str]) -> Page:
    return await context.new_page()


@pytest_asyncio.fixture(loop_scope="module")
async def link() -> AsyncIterator[Link]:
    pages = PageServer()
    server = TestServer(pages.application())
    await server.start_server()
    yield pages, lambda path: str(server.make_url(path))
    pages.break_streams()
    await server.close()
