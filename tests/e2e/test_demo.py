"""The one command that shows it all, as whoever clones the project meets it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.e2e.conftest import FramesAdvance
from tests.e2e.people import Guest, Host, NewContext, in_call, open_page

READY_WITHIN_S = 30


@pytest_asyncio.fixture(loop_scope="session")
async def links(tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """The links that `link-gateway demo` announces, on ports of its own; it must end well when told to."""
    file = tmp_path / "links.json"
    places = ["--port", "0", "--internal-port", "0", "--links-file", str(file), "--state-dir", str(tmp_path / "state")]
    command = [sys.executable, "-m", "gateway", "demo", *places]
    demo = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert demo.stdout is not None
    async with asyncio.timeout(READY_WITHIN_S):
        while not file.exists():  # its first word comes after this
            assert await demo.stdout.readline(), "the demo ended before it announced its links"
    yield json.loads(file.read_text())
    demo.send_signal(signal.SIGTERM)
    async with asyncio.timeout(READY_WITHIN_S):
        await demo.communicate()
    assert demo.returncode == 0


async def test_the_demo_brings_two_browsers_together(
    links: dict[str, str], new_context: NewContext, frames_advance: FramesAdvance
) -> None:
    """By the printed links a guest joins, the host signs in and admits, both see moving pictures; the session opens."""
    first, desk, second = [await (await new_context()).new_page() for _ in range(3)]
    guest = Guest(first.context, links["room_link"], first)
    await guest.join("Ada")
    host = Host(desk.context, desk)
    await open_page(host.desk, links["host_link"])
    await host.press("Sign in")
    await host.shows("Ada", "Rings")
    await host.go_in()
    await in_call(host.inside)
    await host.press("Let in", "Ada")
    await in_call(guest.page)
    await frames_advance(guest.page)
    await frames_advance(host.inside)
    other = Guest(second.context, links["session_guest_link"], second)
    await other.join("Ben")
    await host.shows("Ben", "Silent")
