"""What platforms send, signed as their documentation says, by code that shares nothing with ours.

The bodies have the fields of the projects' own examples: event_sync's README, bbb-webhooks' mapped events, the comments
of Janus' sample event handler and its video room, LiveKit's and OpenVidu Meet's webhooks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import jwt

ALIAS = "c3q0nf8w1z5k7m2p9r4t"
VISITOR = "g_0123456789abcdEF"
SECRET = b"an-api-secret-of-the-platform-4711"
JANUS = b"janus:a-password-of-the-handler"
HOOK = "http://127.0.0.1:9000/platform-events"
NOW_MS = 1_772_442_000_000
NOW_S = NOW_MS // 1000


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it comes in."""

    headers: dict[str, str]
    body: bytes
    url: str = HOOK


def compact(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Who:
    """Whom a platform speaks of, at which door, and when."""

    visitor: str = VISITOR
    alias: str = ALIAS
    at_ms: int = NOW_MS

    @property
    def at_s(self) -> int:
        return self.at_ms // 1000


SOMEBODY = Who()


def livekit(event: str, who: Who = SOMEBODY, *, sid: str = "PA_4f2", **more: Any) -> Sent:
    document = {
        "event": event,
        "room": {"sid": "RM_9x", "name": who.alias, "emptyTimeout": 300, "creationTime": str(who.at_s - 60)},
        "participant": {"sid": sid, "identity": who.visitor, "state": "ACTIVE", "joinedAt": str(who.at_s)},
        "id": f"EV_{event}_{sid}_{who.at_s}",
        "createdAt": str(who.at_s),
        **more,
    }
    return livekit_signed(compact(document), who.at_s)


def livekit_signed(body: bytes, at_s: int = NOW_S, key: bytes = SECRET, **claims: Any) -> Sent:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    said = {"iss": "APIkey", "nbf": at_s, "exp": at_s + 300, "sha256": digest, **claims}
    token = jwt.encode(said, key, algorithm="HS256")
    return Sent({"authorization": token, "content-type": "application/webhook+json"}, body)


def bigbluebutton(event: str, who: Who = SOMEBODY, *, user: str = "w_xfsb9gxtlfom") -> Sent:
    attributes: dict[str, Any] = {
        "meeting": {"internal-meeting-id": "8043c8452ae9-1698771157700", "external-meeting-id": who.alias},
        "user": {
            "internal-user-id": user,
            "external-user-id": who.visitor,
            "name": "John Doe",
            "role": "MODERATOR",
            "presenter": False,
            "guest": False,
        },
    }
    if event == "meeting-ended":
        del attributes["user"]
    told = {"data": {"type": "event", "id": event, "attributes": attributes, "event": {"ts": who.at_ms}}}
    form = {"domain": "bbb.example.org", "event": f"[{json.dumps(told)}]", "timestamp": who.at_ms + 5}
    return summed(urlencode(form).encode())


def summed(body: bytes, algorithm: str = "sha1", url: str = HOOK, key: bytes = SECRET) -> Sent:
    checksum = hashlib.new(algorithm, url.encode() + body + key).hexdigest()
    joined = f"{url}{'&' if '?' in url else '?'}checksum={checksum}"
    return Sent({"content-type": "application/x-www-form-urlencoded"}, body, joined)


def openvidu(event: str, who: Who = SOMEBODY, *, key: bytes = SECRET) -> Sent:
    document = {
        "creationDate": who.at_ms,
        "event": event,
        "data": {"roomId": f"{who.alias}-x3k9d0q1m5n7p2r", "roomName": who.alias, "owner": "admin"},
    }
    body = compact(document)
    signature = hmac.new(key, f"{who.at_ms}.".encode() + body, hashlib.sha256).hexdigest()
    return Sent({"x-timestamp": str(who.at_ms), "x-signature": signature, "content-type": "application/json"}, body)


def jitsi(event: str, who: Who = SOMEBODY, *, jid: str = "14f01c40-5195-4a4d", **more: Any) -> Sent:
    occupant = {
        "name": "James Barrow",
        "email": "j.barrow@domain.example",
        "id": who.visitor,
        "occupant_jid": f"{jid}@meet.example.org/OWhl8jSh",
        "joined_at": who.at_s - (9 if event == "muc-occupant-left" else 0),
        **({"left_at": who.at_s} if event == "muc-occupant-left" else {}),
    }
    document: dict[str, Any] = {
        "event_name": event,
        "room_name": who.alias,
        "room_jid": f"{who.alias}@conference.meet.example.org",
        "is_breakout": False,
        **more,
    }
    if event == "muc-room-destroyed":
        document |= {"created_at": who.at_s - 60, "destroyed_at": who.at_s, "all_occupants": [occupant]}
    else:
        document |= {"active_occupants_count": 1, "occupant": occupant}
    return Sent({"authorization": f"Bearer {SECRET.decode()}", "content-type": "application/json"}, compact(document))


def janus(*told: dict[str, Any]) -> Sent:
    basic = base64.b64encode(JANUS).decode()
    body = json.dumps(told[0] if len(told) == 1 else told, indent=3).encode()
    return Sent({"authorization": f"Basic {basic}", "content-type": "application/json"}, body)


def janus_told(event: str, who: Who = SOMEBODY, *, room: int | str = "", user: int | str = 8155) -> dict[str, Any]:
    data = {"event": event, "room": room or who.alias, "id": user}
    told: dict[str, Any] = {"emitter": "MyJanus", "type": 64, "timestamp": who.at_ms * 1000 + 123}
    if event == "joined":
        told |= {"session_id": 2004798115, "handle_id": 3708519405, "opaque_id": who.visitor}
        data |= {"private_id": 3, "display": "ben"}
    return {**told, "event": {"plugin": "janus.plugin.videoroom", "data": data}}
