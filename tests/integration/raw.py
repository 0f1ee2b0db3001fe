"""Requests as raw bytes, for what no well-behaved client sends."""

from __future__ import annotations

import asyncio

from tests.gateway.edge.wire import Message, Wire
from tests.integration.places import Running


async def connect(running: Running) -> Wire:
    """A connection to a gateway's public listener."""
    return Wire(*await asyncio.open_connection("127.0.0.1", running.gateway.public_port, limit=2**20))


async def ask_raw(running: Running, head: str | bytes, body: bytes = b"") -> Message:
    """Send these bytes; the answer, read whole."""
    wire = await connect(running)
    raw = head.encode("latin-1") if isinstance(head, str) else head
    await wire.send(raw + body)
    message = await wire.message(method=raw.split(b" ", 1)[0].decode("latin-1"))
    await wire.close()
    return message
