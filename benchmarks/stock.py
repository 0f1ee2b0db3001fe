"""A store full of appointments: as many sessions as wanted, in clinics and rooms of their own, written at once.

Rule that holds here: what is written is what the gateway itself writes, made by its own encoders and under its own
keys: the door, its place in the lists of its day and its owner, and when time will change it. Only the way is shorter:
no request, no decision, no event for each. All of them lie ahead, so that filling the store makes no work by itself.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from benchmarks.processes import NotMeasured
from gateway.store.documents import encode_clinic, encode_door, encode_room
from gateway.store.identifiers import Identifiers
from gateway.store.keys import Keys, digest_of, partition_of
from gateway.store.plan import KEPT_MS
from rules.model import Clinic, Door, DoorKind, Role, Room, Seat

A_ROOM, A_DAY, ROOMS = 100, 4, 10  # sessions of a room, and of those on one day; rooms of a clinic
AT_ONCE = 2_000  # commands sent before their answers are read
SETTLED_S = 120.0
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
LATE_MS = 1_800_000  # after the end of a session somebody may still come
OPENS, CLOSES = 1_111_111_111_111, 2_222_222_222_222  # in the form, for what differs
KEYS = Keys("lg")
Command = tuple[str, ...]


async def fill(socket: str, sessions: int, now_ms: int) -> None:
    """Write so many sessions through a store's unix socket. Raises NotMeasured where one is refused."""
    reader, writer = await asyncio.open_unix_connection(socket)
    commands = _all(sessions, now_ms)
    while some := list(islice(commands, AT_ONCE)):
        writer.write(b"".join(map(_packed, some)))
        left = len(some)
        while left:  # an answer of these commands is one line
            answers = await reader.read(1 << 16)
            left -= answers.count(b"\n")
            if not answers or answers.startswith(b"-") or b"\n-" in answers:
                raise NotMeasured(f"the store refuses what it is filled with: {answers[-200:]!r}")
    await _settled(reader, writer)
    writer.close()


async def _settled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Wait until the store no longer writes its file anew, which so much new data makes it do. Raises TimeoutError."""
    async with asyncio.timeout(SETTLED_S):
        while True:
            writer.write(b"INFO persistence\r\n")
            length = int((await reader.readline())[1:])
            said = await reader.readexactly(length + 2)
            if b"aof_rewrite_in_progress:0" in said and b"aof_rewrite_scheduled:0" in said:
                return
            await asyncio.sleep(0.5)


def _packed(command: Command) -> bytes:
    parts = [word.encode() for word in command]
    return b"*%d\r\n" % len(parts) + b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])


def _all(sessions: int, now_ms: int) -> Iterator[Command]:
    identifiers, left, number = Identifiers(), sessions, 0
    while left > 0:
        clinic = Clinic(f"stock-{number // ROOMS}", "A clinic of the stock", "professional")
        if number % ROOMS == 0:
            yield "SET", KEYS.of("clinic", digest_of(clinic.slug)), encode_clinic(clinic)
            yield "ZADD", KEYS.shared("clinics"), "0", clinic.slug
        owner = f"owner-{number}"
        room = Room(identifiers.room(clinic.slug, owner), clinic.slug, owner, "An owner of the stock")
        yield "HSET", KEYS.of("rooms", digest_of(clinic.slug)), owner, room.id
        document = ("document", encode_room(room), "alias", identifiers.alias())
        yield "HSET", KEYS.of("room", room.id), *document
        yield from _sessions(room, identifiers.alias(), min(A_ROOM, left), now_ms)
        left, number = left - A_ROOM, number + 1


def _sessions(room: Room, alias: str, many: int, now_ms: int) -> Iterator[Command]:
    """Some each day from tomorrow on. One is encoded, the others are like it but for their id and their times."""
    first_ms = (now_ms // DAY_MS + 1) * DAY_MS + 9 * HOUR_MS
    seats = {1: Seat(1, Role.HOST), 2: Seat(2, Role.GUEST, "Guest")}
    door = Door("ID", DoorKind.SESSION, room.id, alias, 1, seats=seats, created_at_ms=now_ms)
    form = encode_door(replace(door, opens_at_ms=OPENS, closes_at_ms=CLOSES, alive_until_ms=CLOSES + LATE_MS))
    due, day_key = KEYS.shared("due", partition_of(room.id)), KEYS.of("sessions", digest_of(room.clinic))
    lists: dict[str, list[str]] = {}
    for number in range(many):
        opens_ms = first_ms + number // A_DAY * DAY_MS + number % A_DAY * HOUR_MS
        closes_ms = opens_ms + HOUR_MS
        over_ms, session_id = closes_ms + LATE_MS, room.id[:2] + secrets.token_hex(7)
        text = form.replace('"ID"', f'"{session_id}"').replace(str(OPENS), str(opens_ms))
        text = text.replace(str(CLOSES + LATE_MS), str(over_ms)).replace(str(CLOSES), str(closes_ms))
        yield "SET", KEYS.of("door", session_id), text, "PX", str(over_ms - now_ms + KEPT_MS)
        day = datetime.fromtimestamp(opens_ms / 1000, UTC).date().isoformat()
        lists.setdefault(f"{day_key}:{day}", []).extend((str(opens_ms), session_id))
        lists.setdefault(KEYS.of("agenda", room.id), []).extend((str(opens_ms), session_id))
        lists.setdefault(KEYS.of("ends", room.id), []).extend((str(closes_ms), session_id))
        lists.setdefault(due, []).extend((str(over_ms), f"{room.id}/{session_id}"))
    for key, members in lists.items():
        yield "ZADD", key, *members
