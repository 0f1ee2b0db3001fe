"""The demonstration as a whole: a store, a platform, the gateway between, a clinic, and the links printed.

Rule that holds here: nothing is announced before all of it answers, and whatever was started is stopped.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from gateway import logs
from gateway.app import start
from gateway.demo import platform
from gateway.demo.announcement import announce
from gateway.demo.clinic import DemoFault, Links, make_links
from gateway.demo.setting import bind, demo_config, write_config
from gateway.signing import Identity

READY_WITHIN_S = 20.0
LOOK_S = 0.05
NO_PLATFORM = "http://127.0.0.1:1"  # stands in the configuration until the platform's port is known


@dataclass(frozen=True, slots=True)
class Wishes:
    """What whoever started it asks for. Port 0 is any free one."""

    port: int
    internal_port: int
    state_dir: Path
    links_file: Path | None = None


async def run(wishes: Wishes, environ: Mapping[str, str]) -> None:
    """Run until SIGINT or SIGTERM. Raises ListenFault, EmbeddedFault, ConfigFaults, DemoFault, StoreAway, OSError."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        public = _bound(stack, wishes.port)
        internal = _bound(stack, wishes.internal_port)
        config = demo_config(environ, wishes.state_dir, public, internal, NO_PLATFORM)
        logs.configure(sys.stderr, config.log.format, config.log.level)
        identity = Identity(config.identity_keys(), config.identity.audience, config.identity.ttl_s)
        calls = await platform.start(verify=identity.verify if config.identity.kind == "headers" else None)
        stack.push_async_callback(calls.stop)
        config = config.model_copy(update={"upstream": config.upstream.model_copy(update={"url": calls.url})})
        gateway = await start(config, logging.getLogger("gateway"))
        stack.push_async_callback(gateway.stop)
        internal_url = f"http://127.0.0.1:{gateway.internal_port}"
        links = await make_links(gateway, config.server.public_url, internal_url)
        await _answering(f"http://127.0.0.1:{gateway.public_port}", links, stopping)
        config_file = write_config(config, public, internal)
        if wishes.links_file is not None:
            write_links(wishes.links_file, links)
        announce(links, config_file)
        await stopping.wait()


def _bound(stack: AsyncExitStack, port: int) -> socket.socket:
    listening = bind(port)
    stack.callback(listening.close)
    return listening


async def _answering(own_url: str, links: Links, stopping: asyncio.Event) -> None:
    """Wait until both listeners, the store and the platform answer. Raises DemoFault."""
    room = links.room_link.removeprefix(links.public_url)
    wanted = (f"{links.internal_url}/readyz", own_url + room)
    host = {"Host": links.public_url.partition("://")[2]}
    deadline = asyncio.get_running_loop().time() + READY_WITHIN_S
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client:
        for url in wanted:
            while not stopping.is_set() and not await _is_ok(client, url, host if url != wanted[0] else {}):
                if asyncio.get_running_loop().time() > deadline:
                    raise DemoFault(f"{url} does not answer as it should")
                await asyncio.sleep(LOOK_S)


async def _is_ok(client: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> bool:
    try:
        async with client.get(url, headers=headers) as answer:
            return answer.status == 200  # noqa: PLR2004
    except (aiohttp.ClientError, TimeoutError):  # not there yet
        return False


def write_links(path: Path, links: Links) -> None:
    """Put the links at `path` at once and readable by this user alone: they open doors. Raises OSError."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(links.document(), file, indent=2)
            file.write("\n")
        Path(draft).replace(path)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise
