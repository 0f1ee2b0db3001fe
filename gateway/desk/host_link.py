"""Making the link that signs an owner in.

Rule that holds here: a link is good once and for 15 minutes, and dies with the room's sign-ins when those are revoked.
"""

from __future__ import annotations

import secrets

from gateway.edge.parts import Parts
from gateway.signing import HostLink
from rules.model import Room

_NONCE_BYTES = 16


def host_link(parts: Parts, room: Room, name: str = "") -> str:
    """A fresh sign-in link for the owner of `room`, a whole URL. `name`: who signs in, where it is not the owner."""
    nonce = secrets.token_hex(_NONCE_BYTES)
    token = parts.signing.sign_host_link(HostLink(room.id, room.host_generation, nonce, name or room.name))
    return f"{parts.desk_origin(room.clinic)}/-/host/{token}"
