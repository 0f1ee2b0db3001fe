"""Hints: what the store says on its channels, one a partition, over a connection of its own.

Rule that holds here: a hint may be lost, never the news that hints may have been lost: after every (re)subscription
`resync` is called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from redis.asyncio.connection import Connection
from redis.exceptions import RedisError

from gateway.store.client import Store
from gateway.store.errors import StoreAway
from gateway.store.jitter import spread
from gateway.store.keys import PARTITIONS

QUIET_S = 15.0  # then the connection is asked whether it lives
BACK_OFF_S = 1.0


class Hints:
    """One subscriber per process. `hear` is given each message, `resync` nothing; both must not block."""

    def __init__(self, store: Store, hear: Callable[[str], None], resync: Callable[[], None]) -> None:
        self._store = store
        self._hear = hear
        self._resync = resync
        self.subscribed = asyncio.Event()  # set while hints come in

    async def run(self) -> None:
        """Listen for ever; to be run as a task. A lost connection is made anew."""
        try:
            while True:
                connection = self._store.subscriber()
                try:
                    await self._listen(connection)
                except (RedisError, OSError, StoreAway):
                    self.subscribed.clear()
                finally:
                    await connection.disconnect(nowait=True)
                _heed_cancellation()
                await asyncio.sleep(spread(BACK_OFF_S) / 2)
        finally:
            self.subscribed.clear()

    async def _listen(self, connection: Connection) -> None:
        await connection.connect()
        channels = [self._store.keys.channel(partition) for partition in range(PARTITIONS)]
        await connection.send_command("SUBSCRIBE", *channels)
        _heed_cancellation()
        confirmed, asked = 0, False
        while True:
            message = await connection.read_response(timeout=QUIET_S)
            if message is None and asked:
                raise StoreAway("slow", "the subscription is silent")
            if message is None:
                await connection.send_command("PING")
                _heed_cancellation()
            asked = message is None
            if message is not None and message[0] == "subscribe":
                confirmed += 1
                if confirmed == PARTITIONS:
                    self.subscribed.set()
                    self._resync()
            elif message is not None and message[0] == "message":
                self._hear(message[2])


def _heed_cancellation() -> None:
    """End a task that was cancelled while it connected or sent: redis-py may lose that on the way."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
