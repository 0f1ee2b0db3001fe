"""Support codes: six characters a caller reads out, which say what they were told, when, and at which door.

Rule that holds here: a code is made from the answer alone and stores nothing; it holds the reason, the minute, and
twelve bits of the door's keyed digest, so nobody can tell from it who was where.
"""

from __future__ import annotations

from dataclasses import dataclass

from rules.reasons import Reason

_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: nothing that is misread aloud
_MISREAD = str.maketrans("OIL", "011")
_REASONS = tuple(Reason)
_LENGTH = 6
_MINUTES = 1 << 13
_DOORS = 1 << 12
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class SupportCode:
    """What a code says. `minute` counts from the epoch, modulo 8,192 (5.6 days); `door` is a digest of 12 bits."""

    reason: Reason
    minute: int
    door: int

    def told_at_ms(self, now_ms: int) -> int:
        """The latest instant before `now_ms`, to the minute, that the code can mean."""
        now_minute = now_ms // _MINUTE_MS
        return (now_minute - (now_minute - self.minute) % _MINUTES) * _MINUTE_MS


def door_bits(digest: str) -> int:
    """The twelve bits of a door's keyed digest that stand in codes. `digest`: hex."""
    return int(digest[:3], 16)


def format_code(reason: Reason, now_ms: int, digest: str) -> str:
    """The code of this answer, such as K7Q2-M9."""
    value = (_REASONS.index(reason) * _MINUTES + now_ms // _MINUTE_MS % _MINUTES) * _DOORS + door_bits(digest)
    signs = "".join(_SIGNS[value >> shift & 31] for shift in range(25, -1, -5))
    return f"{signs[:4]}-{signs[4:]}"


def parse_code(text: str) -> SupportCode | None:
    """What a code says, however it was typed; none when it is no code of ours."""
    signs = text.upper().replace("-", "").replace(" ", "").translate(_MISREAD)
    if len(signs) != _LENGTH or any(sign not in _SIGNS for sign in signs):
        return None
    value = 0
    for sign in signs:
        value = value << 5 | _SIGNS.index(sign)
    rest, door = divmod(value, _DOORS)
    reason, minute = divmod(rest, _MINUTES)
    return SupportCode(_REASONS[reason], minute, door) if reason < len(_REASONS) else None
