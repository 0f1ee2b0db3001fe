"""Webhooks: which events the world may hear of, what is said of one, how it is signed, and when it is tried again.

Rule that holds here: a payload holds ids and closed words only, so that it is worth nothing to whoever reads it on its
way. Signed as Standard Webhooks (spec version 1) say.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from secrets import token_bytes
from typing import Any

from gateway.clock import format_instant
from gateway.integrations.letters import Letter
from gateway.store import Secret
from rules.effects import Happening
from rules.model import Millis, Role

PREFIX = "whsec_"
SECRET_BYTES = 32
SHORTEST_BYTES, LONGEST_BYTES = 24, 64
MOST_SECRETS = 4  # so many rotations in a row leave the first secret good

KINDS: Mapping[Happening, str] = {
    Happening.KNOCK: "knock",
    Happening.ADMITTED: "admitted",
    Happening.DENIED: "denied",
    Happening.INSIDE: "inside",
    Happening.LEFT: "left",
    Happening.HOST_ABSENT: "host.absent",
    Happening.SESSION_SCHEDULED: "session.scheduled",
    Happening.SESSION_CHANGED: "session.changed",
    Happening.SESSION_EXTENDED: "session.changed",
    Happening.SESSION_RESUMED: "session.changed",  # an end was taken back
    Happening.SEAT_ADDED: "session.changed",
    Happening.SEAT_REVOKED: "session.changed",
    Happening.SESSION_CANCELLED: "session.cancelled",
    Happening.SESSION_ENDED: "session.ended",
    Happening.SESSION_OVER: "session.ended",
    Happening.SESSION_OVERTIME: "session.overtime",
}
NAMES = tuple(dict.fromkeys(KINDS.values()))
_SENT_OUT = {Happening.REMOVED.value, Happening.ON_HOLD.value}  # a guest who was inside left by that
_BY_VALUE = {happening.value: name for happening, name in KINDS.items()}

_OF_A_ROLE = {KINDS[Happening.INSIDE], KINDS[Happening.LEFT]}

# 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: a little more than three days in all.
RETRIES_MS = tuple(1000 * s for s in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400))
JITTER = 0.1  # a retry comes up to this part of its delay later, so that an endpoint is not hit by all at once


def kind_of(event: Mapping[str, Any]) -> str | None:
    """What webhooks call this entry of the trail, or none: it is nobody else's business."""
    if event["what"] in _SENT_OUT and event["facts"].get("was_inside"):
        return KINDS[Happening.LEFT]
    return _BY_VALUE.get(event["what"])


def render(letter: Letter) -> bytes:
    """The body of a delivery: what happened, when, and the ids to ask the API about."""
    event = letter.event
    data = {"event": letter.id, "clinic": letter.clinic, "room": event["owner"], "door": event["door"]}
    if event.get("kind") == "session":
        data["session"] = event["door"]
    if "guest" in event:
        data["visitor"] = event["guest"]
    if kind_of(event) in _OF_A_ROLE:
        data["role"] = event["facts"].get("role", Role.GUEST.value)
    body = {"type": kind_of(event), "timestamp": format_instant(event["at_ms"]), "data": data}
    return json.dumps(body, separators=(",", ":")).encode()


def make_secret() -> str:
    """A new secret to sign with."""
    return PREFIX + base64.b64encode(token_bytes(SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The bytes of a secret. Raises ValueError for what is none."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a secret is base64") from None
    if not secret.startswith(PREFIX) or not SHORTEST_BYTES <= len(key) <= LONGEST_BYTES:
        raise ValueError(f"a secret is {PREFIX} and {SHORTEST_BYTES} to {LONGEST_BYTES} bytes in base64")
    return key


def sign(letter_id: str, body: bytes, secrets: Sequence[Secret], now_ms: Millis) -> dict[str, str]:
    """The headers of a delivery made now: one signature for every secret that is still good."""
    at_s = now_ms // 1000
    signed = f"{letter_id}.{at_s}.".encode() + body
    good = (s.text for s in secrets if s.until_ms is None or now_ms < s.until_ms)
    digests = (hmac.new(key_of(secret), signed, hashlib.sha256).digest() for secret in good)
    return {
        "webhook-id": letter_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests),
    }


def rotated(secrets: Sequence[Secret], new: str, until_ms: Millis) -> tuple[Secret, ...]:
    """These secrets with a new one; those that are good go on being so until then, or until their time before."""
    former = (Secret(s.text, until_ms if s.until_ms is None else min(s.until_ms, until_ms)) for s in secrets)
    return (Secret(new), *former)[:MOST_SECRETS]


def next_try_ms(tries: int, now_ms: Millis, chance: float) -> Millis | None:
    """When to try again after this many failed tries (1 or more), or none: it is given up. `chance` is in [0, 1)."""
    if tries > len(RETRIES_MS):
        return None
    delay_ms = RETRIES_MS[tries - 1]
    return now_ms + delay_ms + int(delay_ms * JITTER * chance)
