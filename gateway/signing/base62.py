"""Eighteen bytes as exactly 25 letters and digits, and back.

Rule that holds here: every value has one text and every accepted text one value; the rest is refused.
"""

from __future__ import annotations

BYTES = 18
CHARACTERS = 25

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGITS = {character: number for number, character in enumerate(_ALPHABET)}
_LIMIT = 1 << (8 * BYTES)


def encode(raw: bytes) -> str:
    """The text of 18 bytes."""
    if len(raw) != BYTES:
        raise ValueError(f"takes {BYTES} bytes")
    rest, characters = int.from_bytes(raw, "big"), []
    for _ in range(CHARACTERS):
        rest, digit = divmod(rest, len(_ALPHABET))
        characters.append(_ALPHABET[digit])
    return "".join(reversed(characters))


def decode(text: str) -> bytes | None:
    """The 18 bytes of a text, or none: wrong length, another character, or a number too large for 18 bytes."""
    if len(text) != CHARACTERS:
        return None
    value = 0
    for character in text:
        digit = _DIGITS.get(character)
        if digit is None:
            return None
        value = value * len(_ALPHABET) + digit
    return value.to_bytes(BYTES, "big") if value < _LIMIT else None
