"""Replays: events that are to be delivered once more.

Rule that holds here: a request is written by whoever asks and heeded by whoever holds the endpoint; within a door,
events read again come in their order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.integrations.letters import Letter, read_letter
from gateway.integrations.ways import Ways
from gateway.integrations.webhooks import kind_of
from gateway.store import Hooks, Lane, Place, Settlement, stream_of
from rules.model import Millis

MOST_LANE = 5000
MOST_DEAD = 1000  # revived by one request


@dataclass(frozen=True, slots=True)
class Replay:
    """What to deliver once more: all after a place in the trail, these events of these clinics, or all given up."""

    after: Place | None = None
    events: tuple[tuple[str, str], ...] = ()  # clinic slug, event id
    dead: bool = False

    @property
    def text(self) -> str:
        """As it is left for whoever holds the endpoint."""
        after = self.after.cursor if self.after else ""
        return json.dumps({"after": after, "events": self.events, "dead": self.dead})


def read_replay(text: str) -> Replay:
    """What `Replay.text` wrote."""
    said = json.loads(text)
    after = Place.parse(said["after"]) if said["after"] else None
    return Replay(after, tuple((clinic, event) for clinic, event in said["events"]), said["dead"])


async def replayed(ways: Ways, endpoint_id: str, clinics: Sequence[str], request: str) -> Settlement:
    """What heeding a request comes to; `clinics` are those the endpoint hears of. Raises StoreAway."""
    replay, now_ms = read_replay(request), ways.now_ms()
    if replay.dead:
        return await _revived(ways.hooks, endpoint_id, now_ms)
    if replay.after is not None:
        return await _rewound(ways.hooks, endpoint_id, clinics, replay.after)
    letters = []
    for clinic, event_id in replay.events:
        traced = await ways.trail.find(stream_of(clinic), event_id)
        if traced is not None:
            letters.append(Letter(clinic, f"{traced.place.at_ms}-{traced.place.number}", json.loads(traced.body)))
    return Settlement(_lanes((each for each in letters if kind_of(each.event)), now_ms), asked=1)


async def _revived(hooks: Hooks, endpoint_id: str, now_ms: Millis) -> Settlement:
    dead = await hooks.dead(endpoint_id, MOST_DEAD)
    return Settlement(_lanes((read_letter(text) for text in dead), now_ms), revived=dead, asked=1)


async def _rewound(hooks: Hooks, endpoint_id: str, clinics: Sequence[str], after: Place) -> Settlement:
    """Read the streams from that place again; what waits and stands after it is dropped, for it comes once more."""
    lanes = []
    for door in await hooks.doors(endpoint_id):
        texts, _ = await hooks.lane(endpoint_id, door, MOST_LANE)
        kept = tuple(text for text in texts if _place(read_letter(text)) <= after)
        if len(kept) < len(texts):
            lanes.append(Lane(door, drop=len(texts), push=kept, tries=0, due_ms=0))
    at = {stream: _cursor(after, stream) for stream in map(stream_of, clinics)}
    return Settlement(lanes, at=at, asked=1)


def _lanes(letters: Iterable[Letter], now_ms: Millis) -> list[Lane]:
    doors: dict[str, list[str]] = {}
    for letter in letters:
        doors.setdefault(letter.door, []).append(letter.text)
    return [Lane(door, push=tuple(texts), due_ms=now_ms) for door, texts in doors.items()]


def _place(letter: Letter) -> Place:
    at_ms, number = letter.at.split("-")
    return Place(int(at_ms), int(number), stream_of(letter.clinic))


def _cursor(after: Place, stream: str) -> str:
    """Where to go on reading a stream, so that all of it after the place comes."""
    if after.stream and stream <= after.stream:
        return f"{after.at_ms}-{after.number}"
    if after.number:
        return f"{after.at_ms}-{after.number - 1}"
    return f"{max(after.at_ms - 1, 0)}-{2**63 - 1}"
