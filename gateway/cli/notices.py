"""What a service manager is told of this process: systemd's notification protocol, a datagram for each notice.

Rule that holds here: nobody who does not ask is told anything, and nothing depends on being heard. Signs of life are
sent from the event loop, so that a loop that stands still sends none.

The protocol: sd_notify(3). Told by ourselves, because it is a datagram with a few words in it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

US_PER_S = 1_000_000
SIGNS_IN_TIME = 2.5  # so many signs of life in the time after which none would be noticed


class Notices:
    """Tells whoever started this process how it fares.

    environ: NOTIFY_SOCKET says whom, WATCHDOG_USEC and WATCHDOG_PID whether signs of life are awaited, and how often.
    """

    def __init__(self, environ: Mapping[str, str], pid: int | None = None) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._socket: socket.socket | None = None
        self.signs_every_s = _signs_every_s(environ, os.getpid() if pid is None else pid)  # 0: none are awaited

    def serving(self) -> None:
        """It listens and answers; also after a reload, whatever became of it."""
        self._tell("READY=1", "STATUS=Serving.")

    def reloading(self) -> None:
        """It is about to read its configuration again; `serving` ends that."""
        monotonic_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell("RELOADING=1", f"MONOTONIC_USEC={monotonic_us}")

    def stopping(self) -> None:
        """It takes nobody new."""
        self._tell("STOPPING=1")

    def draining(self, calls: int, patience_s: float) -> None:
        """So many calls go on. To be told again within `patience_s`, and nobody kills us as long as it is."""
        patience = f"EXTEND_TIMEOUT_USEC={round(patience_s * US_PER_S)}"
        self._tell(f"STATUS=Taking nobody new; calls that go on: {calls}.", patience)

    async def show_life(self) -> None:
        """Send a sign of life again and again, if any are awaited; ends when it is cancelled."""
        while self.signs_every_s:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self.signs_every_s)

    def close(self) -> None:
        """Say nothing more."""
        self._address = None
        if self._socket is not None:
            self._socket.close()

    def _tell(self, *words: str) -> None:
        if self._address is None:
            return
        with suppress(OSError):  # whoever asked has gone, or its queue is full: the next notice may be heard
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                self._socket.setblocking(False)
            self._socket.sendto("\n".join(words).encode(), self._address)


def _address(given: str) -> str | None:
    """A path, or an abstract name, which systemd writes with @; anything else is no address of a unix socket."""
    if given.startswith("@"):
        return "\0" + given[1:]
    return given if given.startswith("/") else None


def _signs_every_s(environ: Mapping[str, str], pid: int) -> float:
    within, whose = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not (within.isascii() and within.isdecimal()) or whose not in {"", str(pid)}:
        return 0.0
    return int(within) / US_PER_S / SIGNS_IN_TIME
