"""What the express lane remembers: bounded, and forgotten all at once.

Rule that holds here: everything that is kept can be made again.
"""

from __future__ import annotations

from typing import TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def keep(kept: dict[_Key, _Value], key: _Key, value: _Value, most: int) -> _Value:
    """Remember one more, and return it; where there is no room, everything else is forgotten."""
    if len(kept) >= most:
        kept.clear()
    kept[key] = value
    return value
