"""The work beside requests: follow hints at once, and poll every two minutes on one replica.

Rule that holds here: the poll is the floor. A hint that is lost, or cannot be followed now, is not kept: the next poll
finds what it would have told. Logs say how many, never who.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable

from gateway.integrations.halaxy.client import HalaxyAway
from gateway.integrations.halaxy.mirror import Mirror
from gateway.integrations.halaxy.reconcile import reconcile
from gateway.store import Ledger, StoreAway, StoreFull, UnknownOwner

MOST_HINTS = 10_000
LEASE_S = 60  # renewed while a poll goes on; so long nobody polls after its process was killed
LONGEST_S = 900  # of one poll, most of it waiting for the budget
LOOKS = 8  # for a free lease, in each interval
AT_ONCE = 4
AWAY = (HalaxyAway, StoreAway, StoreFull, UnknownOwner)


class Hints:
    """Appointments to be looked at, each once however often it was announced."""

    def __init__(self) -> None:
        self._waiting: dict[str, None] = {}
        self._some = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, appointment_id: str) -> None:
        """One more; beyond MOST_HINTS it is left to the poll."""
        if len(self._waiting) < MOST_HINTS:
            self._waiting[appointment_id] = None
            self._some.set()

    async def next(self) -> str:
        """The one that has waited longest. An announcement from now on counts anew."""
        while not self._waiting:
            self._some.clear()
            await self._some.wait()
        appointment_id = next(iter(self._waiting))
        del self._waiting[appointment_id]
        return appointment_id


class HalaxyWork:
    """Follows one account. `poll_s`: seconds from the end of a poll to the next, whoever makes it."""

    def __init__(self, mirror: Mirror, hints: Hints, ledger: Ledger, poll_s: float, log: logging.Logger) -> None:
        self._mirror = mirror
        self._hints = hints
        self._ledger = ledger
        self._poll_s = poll_s
        self._log = log
        self._process = secrets.token_hex(8)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._for_ever(self.follow_hint, 0))
            group.create_task(self._for_ever(self.poll_if_due, self._poll_s / LOOKS))

    async def _for_ever(self, work: Callable[[], Awaitable[object]], pause_s: float) -> None:
        while True:
            await work()
            await asyncio.sleep(pause_s)

    async def follow_hint(self) -> str:
        """Follow the next hint, waiting for one; what became of it, in a word."""
        appointment_id = await self._hints.next()
        try:
            done = await self._mirror.hear(appointment_id)
        except AWAY as fault:
            done = f"left to the poll: {fault}"
        self._log.info("halaxy_hint", extra={"reason": done})
        return done

    async def poll_if_due(self) -> bool:
        """Poll, unless another replica does or did so lately; whether this one did and it succeeded."""
        try:
            if await self._ledger.remember("halaxy-poll", "lease", self._process, LEASE_S) is not None:
                return False
        except (StoreAway, StoreFull) as fault:
            self._log.warning("halaxy_poll_failed", extra={"reason": str(fault)})
            return False
        renewing = asyncio.create_task(self._renew())
        try:
            async with asyncio.timeout(LONGEST_S):
                found = await reconcile(self._mirror)
        except (*AWAY, TimeoutError) as fault:
            self._log.warning("halaxy_poll_failed", extra={"reason": str(fault)})
            return False
        else:
            ends = ", ".join(f"{count} {end}" for end, count in sorted(found.items()) if count)
            self._log.info("halaxy_poll", extra={"reason": ends, "count": sum(found.values())})
            return True
        finally:
            renewing.cancel()
            await self._hold(max(1, round(self._poll_s)))

    async def _renew(self) -> None:
        """Hold the lease while this one polls."""
        while True:
            await asyncio.sleep(LEASE_S / 3)
            await self._hold(LEASE_S)

    async def _hold(self, for_s: int) -> None:
        """Nobody else polls for so long; where this cannot be said, until the lease is over."""
        try:
            await self._ledger.replace("halaxy-poll", "lease", self._process, for_s)
        except (StoreAway, StoreFull) as fault:
            self._log.warning("halaxy_lease_unheld", extra={"reason": str(fault)})
