"""The random names of things."""

from __future__ import annotations

import string
from itertools import cycle

from gateway.store import Identifiers


def test_what_a_platform_calls_a_door_stays_the_same_where_letters_are_made_small():
    every_byte = cycle(range(256))
    drawn = Identifiers(lambda count: bytes(next(every_byte) for _ in range(count)))
    names = [drawn.alias() for _ in range(100)]
    assert {len(name) for name in names} == {20}
    assert set("".join(names)) == set(string.digits + string.ascii_lowercase)
