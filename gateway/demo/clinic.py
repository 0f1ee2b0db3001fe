"""The demonstration's own clinic: one owner, one room, and a session that is open now.

Rule that holds here: the clinic is made once and found again; each run makes a session, a sign-in link and an API key
of its own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from gateway.api.keys import Scope, digest_key, make_key, read_document
from gateway.app import Gateway
from gateway.desk.host_link import host_link
from gateway.store import Appointment
from gateway.store.sessions import made
from rules.model import Clinic, Millis, Role, Room, Seat

CLINIC = Clinic("sunrise", "Sunrise Clinic", "professional")
OWNER = "dr-lee"
NAME = "Dr Lee"
KEY_NAME = "demo"
SINCE_MS = 2 * 60_000
FOR_MS = 30 * 60_000


class DemoFault(Exception):
    """The demonstration cannot be set up. The message is fit for whoever started it."""


@dataclass(frozen=True, slots=True)
class Links:
    """All that is printed, by the names of the links file."""

    public_url: str
    internal_url: str
    api_key: str
    room_link: str
    host_link: str
    desk_link: str
    session_id: str
    session_guest_link: str
    session_host_link: str

    def document(self) -> dict[str, str]:
        """The links file's content."""
        return asdict(self)


async def make_links(gateway: Gateway, public_url: str, internal_url: str) -> Links:
    """Set the clinic up and make this run's links. Raises StoreAway, StoreFull, DemoFault."""
    parts = gateway.parts
    room = await _room(gateway)
    now_ms = (await parts.doors.read(room.id)).now_ms
    session_id = await _session(gateway, room, now_ms)
    return Links(
        public_url=public_url,
        internal_url=internal_url,
        api_key=await _api_key(gateway, now_ms),
        room_link=parts.room_link(CLINIC.slug, room.owner),
        host_link=host_link(parts, room),
        desk_link=parts.desk_link(CLINIC.slug, room.owner),
        session_id=session_id,
        session_guest_link=parts.session_link(session_id, 2),
        session_host_link=parts.session_link(session_id, 1),
    )


async def _room(gateway: Gateway) -> Room:
    directory = gateway.parts.directory
    if await directory.clinic(CLINIC.slug) is None:
        await directory.put_clinic(CLINIC)
    return await directory.resolve_room(CLINIC.slug, OWNER) or await directory.put_room(
        Room("", CLINIC.slug, OWNER, NAME)
    )


async def _session(gateway: Gateway, room: Room, now_ms: Millis) -> str:
    """A session that began a moment ago."""
    session_id = gateway.parts.doors.identifiers.session(room.id)
    seats = [Seat(1, Role.HOST, room.name), Seat(2, Role.GUEST)]
    appointment = Appointment(now_ms - SINCE_MS, now_ms + FOR_MS, seats, title="Demonstration")
    change = await gateway.parts.sessions.create_session(room, appointment, session_id=session_id)
    if made(change, session_id) is None:
        raise DemoFault("the demo's session does not fit the [sessions] given in the environment")
    return session_id


async def _api_key(gateway: Gateway, now_ms: Millis) -> str:
    """This run's key; those of earlier runs are revoked, since nobody can show them again."""
    ledger = gateway.parts.ledger
    for digest, document in (await ledger.api_keys()).items():
        if read_document(document).name == KEY_NAME:
            await ledger.delete_key(digest)
    text, kept = make_key(KEY_NAME, CLINIC.slug, tuple(Scope), now_ms)
    await ledger.put_key(digest_key(text), kept.document())
    return text
