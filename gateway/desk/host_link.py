"""Making the link that signs an owner in.

Rule that holds here: a link is good once and for 15 minutes, and dies with the room's sign-ins when those are revoked.
"""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from gateway.edge.parts import Parts
from gateway.signing import HostLink
from rules.model import Room

_NONCE_BYTES = 16


TO_ROOM = "to=room"  # of a sign-in link that goes on into the owner's room


def host_link(parts: Parts, room: Room, name: str = "") -> str:
    """A fresh sign-in link for the owner of `room`, a whole URL. `name`: who signs in, where it is not the owner."""
    return f"{parts.desk_origin(room.clinic)}{_path(parts, room, name)}"


def entrance(parts: Parts, room: Room) -> str:
    """The way from the desk into the room, a whole URL.

    Where the desk has an origin of its own, its cookies mean nothing at the room's: there the owner signs in again.
    """
    link = parts.room_link(room.clinic, room.owner)
    at = urlsplit(link)
    origin = f"{at.scheme}://{at.netloc}"
    if parts.desk_origin(room.clinic) == origin:
        return link
    return f"{origin}{_path(parts, room, room.name)}?{TO_ROOM}"


def _path(parts: Parts, room: Room, name: str) -> str:
    nonce = secrets.token_hex(_NONCE_BYTES)
    token = parts.signing.sign_host_link(HostLink(room.id, room.host_generation, nonce, name or room.name))
    return f"/-/host/{token}"
