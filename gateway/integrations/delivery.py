"""Delivering: takes events from the trail, posts them to endpoints, tries again, gives up.

Rule that holds here: at least once and in order for each door. Whoever holds an endpoint works on it alone; what it did
is written after the answer came, so that a crash in between repeats a delivery with the same id. Nothing here is waited
for by a guest, a host or a scheduler.
"""

from __future__ import annotations

import asyncio
import json
from enum import StrEnum

from gateway.integrations.egress import Undelivered
from gateway.integrations.replay import replayed
from gateway.integrations.ways import Ways
from gateway.integrations.webhooks import Letter, kind_of, next_try_ms, read_letter, render, sign
from gateway.store import Endpoint, Lane, Place, Settlement, stream_of
from rules.model import Millis

LEASE_MS = 30_000  # longer than one post and what is written after it
PARALLEL = 4  # doors of one endpoint at a time
CLINICS = 20  # streams looked at at a time
PAGE = 100  # events taken from a stream at a time
MOST_PENDING = 5000  # then the streams keep the rest
GOOD = range(200, 300)
GONE = 410


class Outcome(StrEnum):
    """What came of one delivery; the labels of gateway_webhooks_total."""

    DELIVERED = "delivered"
    RETRIED = "retried"
    GIVEN_UP = "given_up"
    GONE = "gone"


class Deliverer:
    """Works on one endpoint at a time for `holder`, a name of this process's own."""

    def __init__(self, ways: Ways, holder: str) -> None:
        self._ways = ways
        self._holder = holder
        self._undelivered: dict[str, dict[str, Millis]] = {}  # by endpoint and door: when what is tried again happened

    async def claim(self, endpoint_id: str) -> bool:
        """Hold an endpoint, if nobody does. Raises StoreAway, StoreFull."""
        return await self._ways.hooks.claim(endpoint_id, self._holder, LEASE_MS)

    async def let_go(self, endpoint_id: str) -> None:
        """Leave an endpoint to others at once. Raises StoreAway, StoreFull."""
        self._undelivered.pop(endpoint_id, None)
        self._tell_age()
        now_ms = self._ways.now_ms()
        await self._ways.hooks.settle(endpoint_id, self._holder, Settlement(), lease_ms=0, now_ms=now_ms)

    async def round(self, endpoint: Endpoint) -> int | None:
        """Heed requests, take in what is new, and try what is due; how many were tried.

        None: the endpoint is not held any more, or gone. Raises StoreAway, StoreFull.
        """
        if not await self._heed(endpoint) or not await self._take_in(endpoint):
            return None
        due = await self._ways.hooks.due(endpoint.id, self._ways.now_ms(), PARALLEL)
        tried = await asyncio.gather(*(self._try(endpoint, door) for door in due), return_exceptions=True)
        for fault in tried:
            if isinstance(fault, BaseException):
                raise fault
        self._tell_age()
        return len(tried) if all(tried) else None

    def _note(self, endpoint_id: str, letter: Letter, outcome: Outcome) -> None:
        undelivered = self._undelivered.setdefault(endpoint_id, {})
        if outcome is Outcome.RETRIED:
            undelivered[letter.door] = int(letter.event["at_ms"])
        else:
            undelivered.pop(letter.door, None)

    def _tell_age(self) -> None:
        now_ms = self._ways.now_ms()
        happened = (at_ms for doors in self._undelivered.values() for at_ms in doors.values())
        self._ways.oldest((now_ms - min(happened, default=now_ms)) / 1000)

    async def _settle(self, endpoint: Endpoint, settlement: Settlement) -> bool:
        now_ms = self._ways.now_ms()
        return await self._ways.hooks.settle(endpoint.id, self._holder, settlement, lease_ms=LEASE_MS, now_ms=now_ms)

    async def _heed(self, endpoint: Endpoint) -> bool:
        """Do what was asked for; holds the endpoint on even where nothing was."""
        for request in await self._ways.hooks.requests(endpoint.id):
            clinics = await self._clinics(endpoint)
            settlement = await replayed(self._ways, endpoint, clinics, request)
            if not await self._settle(endpoint, settlement):
                return False
        return await self._settle(endpoint, Settlement())

    # --- taking in ----------------------------------------------------------------------------------------------
    async def _take_in(self, endpoint: Endpoint) -> bool:
        cursors, pending = await self._ways.hooks.cursors(endpoint.id)
        clinics = await self._clinics(endpoint)
        for first in range(0, len(clinics), CLINICS):
            if pending >= MOST_PENDING:
                break
            some = clinics[first : first + CLINICS]
            pages = await asyncio.gather(*(self._page(endpoint, c, cursors.get(stream_of(c))) for c in some))
            for settlement in pages:
                if settlement is not None and not await self._settle(endpoint, settlement):
                    return False
                pending += settlement.grown if settlement is not None else 0
        return True

    async def _clinics(self, endpoint: Endpoint) -> list[str]:
        if endpoint.clinic:
            return [endpoint.clinic]
        slugs, cursor = list[str](), None
        while True:
            page = await self._ways.directory.clinics(cursor, 500)
            slugs += page.slugs
            cursor = page.cursor
            if cursor is None:
                return slugs

    async def _page(self, endpoint: Endpoint, clinic: str, cursor: str | None) -> Settlement | None:
        """What the clinic's stream holds after a cursor, sorted by door; none where it holds nothing."""
        stream = stream_of(clinic)
        at_ms, _, number = (cursor or f"{endpoint.created_at_ms}-0").partition("-")
        traced = await self._ways.trail.read([stream], Place(int(at_ms), int(number), stream), PAGE)
        if not traced:
            return None
        lanes: dict[str, list[str]] = {}
        for entry in traced:
            letter = Letter(clinic, f"{entry.place.at_ms}-{entry.place.number}", json.loads(entry.body))
            if is_wanted(endpoint, letter):
                lanes.setdefault(letter.door, []).append(letter.text)
        last, now_ms = traced[-1].place, self._ways.now_ms()
        return Settlement(
            lanes=[Lane(door, push=tuple(texts), due_ms=now_ms) for door, texts in lanes.items()],
            at={stream: f"{last.at_ms}-{last.number}"},
        )

    # --- trying -------------------------------------------------------------------------------------------------
    async def _try(self, endpoint: Endpoint, door: str) -> bool:
        """Deliver a door's oldest event, and write what came of it; false where nothing may go on."""
        texts, tries = await self._ways.hooks.lane(endpoint.id, door)
        if not texts:
            return True
        letter = read_letter(texts[0])
        outcome = await self._deliver(endpoint, letter, tries + 1)
        now_ms = self._ways.now_ms()
        again_ms = next_try_ms(tries + 1, now_ms, self._ways.chance()) if outcome is Outcome.RETRIED else None
        if outcome is Outcome.RETRIED and again_ms is None:
            outcome = Outcome.GIVEN_UP
        self._note(endpoint.id, letter, outcome)
        self._ways.count(outcome.value)
        if outcome is Outcome.GONE:
            await self._ways.hooks.close(endpoint.id, now_ms)
            self._ways.log.warning("a webhook endpoint is gone: nothing more is sent there")
            return False
        if again_ms is not None:
            return await self._settle(endpoint, Settlement([Lane(door, tries=tries + 1, due_ms=again_ms)]))
        dead = [(now_ms, texts[0])] if outcome is Outcome.GIVEN_UP else []
        return await self._settle(endpoint, Settlement([Lane(door, drop=1, tries=0, due_ms=now_ms)], dead=dead))

    async def _deliver(self, endpoint: Endpoint, letter: Letter, attempt: int) -> Outcome:
        body = render(letter)
        headers = sign(letter.id, body, endpoint.secrets, self._ways.now_ms())
        try:
            status = await self._ways.post(endpoint.url, headers, body)
        except Undelivered as fault:
            self._ways.log.info("webhook not delivered", extra={"kind": fault.kind, "attempt": attempt})
            return Outcome.RETRIED
        if status in GOOD:
            return Outcome.DELIVERED
        self._ways.log.info("webhook refused", extra={"status": status, "attempt": attempt})
        return Outcome.GONE if status == GONE else Outcome.RETRIED


def is_wanted(endpoint: Endpoint, letter: Letter) -> bool:
    """Whether an endpoint is to hear of an event."""
    kind = kind_of(letter.event)
    return kind is not None and (not endpoint.events or kind in endpoint.events)
