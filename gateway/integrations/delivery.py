"""Delivering: takes events from the trail, tells recipients, tries again, gives up.

Rule that holds here: at least once and in order for each lane. Whoever holds a recipient works on it alone; what it did
is written after the answer came, so that a crash in between repeats a delivery with the same id. A lane that takes long
holds up no other, and nothing here is waited for by a guest, a host or a scheduler.
"""

from __future__ import annotations

import asyncio
import json

from gateway.integrations.letters import Letter, Outcome, Recipient, read_letter
from gateway.integrations.replay import replayed
from gateway.integrations.ways import Ways
from gateway.store import Lane, Place, Settlement, stream_of
from gateway.tasks import end_tasks
from rules.model import Millis

PATIENCE_S = 0.2  # how long a round waits for what it has begun; then it goes on, and leaves that to the next
CLINICS = 20  # streams looked at at a time
PAGE = 100  # events taken from a stream at a time
MOST_PENDING = 5000  # then the streams keep the rest


class Deliverer:
    """Works on one recipient at a time for `holder`, a name of this process's own."""

    def __init__(self, ways: Ways, holder: str, *, patience_s: float = PATIENCE_S) -> None:
        self._ways = ways
        self._holder = holder
        self._patience_s = patience_s
        self._undelivered: dict[str, dict[str, Millis]] = {}  # by recipient and lane: when what is tried again happened
        self._under_way: dict[str, dict[str, asyncio.Task[bool]]] = {}  # by recipient and lane
        self._swept_ms: dict[str, Millis] = {}

    async def claim(self, recipient: Recipient) -> bool:
        """Hold a recipient, if nobody does. Raises StoreAway, StoreFull."""
        return await self._ways.hooks.claim(recipient.id, self._holder, recipient.lease_ms)

    async def let_go(self, recipient_id: str) -> None:
        """Leave a recipient to others at once. Raises StoreAway, StoreFull."""
        self._undelivered.pop(recipient_id, None)
        self._swept_ms.pop(recipient_id, None)
        self._tell_age()
        await self._abandon(recipient_id)
        now_ms = self._ways.now_ms()
        await self._ways.hooks.settle(recipient_id, self._holder, Settlement(), lease_ms=0, now_ms=now_ms)

    async def _abandon(self, recipient_id: str) -> None:
        """What is under way is told again by whoever is next."""
        await end_tasks(self._under_way.pop(recipient_id, {}).values())

    async def round(self, recipient: Recipient) -> int | None:
        """Heed requests, take in what is new, and try what is due; how many tries came to an end.

        None: the recipient is not held any more, or gone. Raises StoreAway, StoreFull.
        """
        if not await self._heed(recipient) or not await self._take_in(recipient):
            return None
        under_way = self._under_way.setdefault(recipient.id, {})
        free = recipient.parallel - len(under_way)
        due = await self._ways.hooks.due(recipient.id, self._ways.now_ms(), recipient.parallel + len(under_way))
        for lane in [lane for lane in due if lane not in under_way][:free]:
            under_way[lane] = asyncio.create_task(self._try(recipient, lane))
        try:
            ended = (await asyncio.wait(under_way.values(), timeout=self._patience_s))[0] if under_way else set()
        except asyncio.CancelledError:
            await self._abandon(recipient.id)
            raise
        for lane in [lane for lane, task in under_way.items() if task in ended]:
            del under_way[lane]
        self._tell_age()
        return len(ended) if all([task.result() for task in ended]) else None  # noqa: C419  each may raise

    def _note(self, recipient: Recipient, lane: str, letter: Letter, outcome: Outcome) -> None:
        undelivered = self._undelivered.setdefault(recipient.id, {})
        if outcome is Outcome.RETRIED:
            undelivered[lane] = int(letter.event["at_ms"])
        else:
            undelivered.pop(lane, None)
        recipient.note(letter, outcome)

    def _tell_age(self) -> None:
        now_ms = self._ways.now_ms()
        happened = (at_ms for lanes in self._undelivered.values() for at_ms in lanes.values())
        self._ways.oldest((now_ms - min(happened, default=now_ms)) / 1000)

    async def _settle(self, recipient: Recipient, settlement: Settlement) -> bool:
        now_ms, lease_ms = self._ways.now_ms(), recipient.lease_ms
        return await self._ways.hooks.settle(recipient.id, self._holder, settlement, lease_ms=lease_ms, now_ms=now_ms)

    async def _heed(self, recipient: Recipient) -> bool:
        """Do what was asked for; holds the recipient on even where nothing was."""
        for request in await self._ways.hooks.requests(recipient.id):
            clinics = await self._clinics(recipient)
            settlement = await replayed(self._ways, recipient.id, clinics, request)
            if not await self._settle(recipient, settlement):
                return False
        return await self._settle(recipient, Settlement())

    # --- taking in ----------------------------------------------------------------------------------------------
    async def _take_in(self, recipient: Recipient) -> bool:
        clinics = await self._to_look_at(recipient)
        if not clinics:
            return True
        cursors, pending = await self._ways.hooks.cursors(recipient.id)
        for first in range(0, len(clinics), CLINICS):
            if pending >= MOST_PENDING:
                break
            some = clinics[first : first + CLINICS]
            pages = await asyncio.gather(*(self._page(recipient, c, cursors.get(stream_of(c))) for c in some))
            for settlement in pages:
                if settlement is not None and not await self._settle(recipient, settlement):
                    return False
                pending += settlement.grown if settlement is not None else 0
        return True

    async def _to_look_at(self, recipient: Recipient) -> list[str]:
        """All clinics now and then, in between those that were pointed out."""
        now_ms = self._ways.now_ms()
        if 0 <= now_ms - self._swept_ms.get(recipient.id, -recipient.sweep_ms) < recipient.sweep_ms:
            return await self._ways.hooks.pointed_out(recipient.id)
        clinics = await self._clinics(recipient)
        self._swept_ms[recipient.id] = now_ms
        return clinics

    async def _clinics(self, recipient: Recipient) -> list[str]:
        if recipient.clinic:
            return [recipient.clinic]
        slugs, cursor = list[str](), None
        while True:
            page = await self._ways.directory.clinics(cursor, 500)
            slugs += page.slugs
            cursor = page.cursor
            if cursor is None:
                return slugs

    async def _page(self, recipient: Recipient, clinic: str, cursor: str | None) -> Settlement | None:
        """What the clinic's stream holds after a cursor, sorted by lane; none where it holds nothing."""
        stream = stream_of(clinic)
        at_ms, _, number = (cursor or f"{recipient.since_ms}-0").partition("-")
        traced = await self._ways.trail.read([stream], Place(int(at_ms), int(number), stream), PAGE)
        if not traced:
            return None
        lanes: dict[str, list[str]] = {}
        for entry in traced:
            letter = Letter(clinic, f"{entry.place.at_ms}-{entry.place.number}", json.loads(entry.body))
            if recipient.wants(letter):
                lanes.setdefault(recipient.lane_of(letter), []).append(letter.text)
        if len(traced) == PAGE:  # there may be more: look again at once
            self._swept_ms.pop(recipient.id, None)
        last, now_ms = traced[-1].place, self._ways.now_ms()
        return Settlement(
            lanes=[Lane(lane, push=tuple(texts), due_ms=now_ms) for lane, texts in lanes.items()],
            at={stream: f"{last.at_ms}-{last.number}"},
        )

    # --- trying -------------------------------------------------------------------------------------------------
    async def _try(self, recipient: Recipient, lane: str) -> bool:
        """Deliver a lane's oldest event, and write what came of it; false where nothing may go on."""
        texts, tries = await self._ways.hooks.lane(recipient.id, lane)
        if not texts:
            return True
        letter = read_letter(texts[0])
        outcome = await recipient.deliver(letter, tries + 1)
        now_ms = self._ways.now_ms()
        is_to_retry = outcome is Outcome.RETRIED
        again_ms = recipient.next_try_ms(tries + 1, now_ms, self._ways.chance()) if is_to_retry else None
        if is_to_retry and again_ms is None:
            outcome = Outcome.GIVEN_UP
        self._note(recipient, lane, letter, outcome)
        if outcome is Outcome.GONE:
            await self._ways.hooks.close(recipient.id, now_ms)
            return False
        if again_ms is not None:
            return await self._settle(recipient, Settlement([Lane(lane, tries=tries + 1, due_ms=again_ms)]))
        dead = [(now_ms, texts[0])] if outcome is Outcome.GIVEN_UP else []
        return await self._settle(recipient, Settlement([Lane(lane, drop=1, tries=0, due_ms=now_ms)], dead=dead))
