"""What must hold of the keys that a section gives.

Rule that holds here: keys are given in one way, none is shorter than 32 bytes, and none is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from gateway.config.faults import Check, Fault, shown

SHORTEST_KEY_BYTES = 32


class GivesKeys(Protocol):
    """A section that holds keys, or names the file that does."""

    @property
    def keys(self) -> tuple[str, ...]: ...

    @property
    def key_file(self) -> str: ...


def check_given(section: str, given: GivesKeys) -> Iterator[Check]:
    """The faults of the keys of one section, whether or not it needs any."""
    if given.keys and given.key_file:
        yield Check(Fault(f"{section}.key_file", shown(given.key_file), f"give this or {section}.keys, not both"))
    for number, key in enumerate(given.keys):
        size = len(key.encode())
        if size < SHORTEST_KEY_BYTES:
            reason = f"must be at least {SHORTEST_KEY_BYTES} bytes long, is {size}"
            yield Check(Fault(f"{section}.keys[{number}]", "(not shown)", reason))


def check_needed(section: str, given: GivesKeys, store_url: str) -> Iterator[Check]:
    """The fault of a section without keys, where none can be made."""
    if not given.keys and not given.key_file and store_url != "embedded":
        reason = "is missing: every gateway on this store needs the same keys, so none are made here"
        yield Check(Fault(f"{section}.keys", "", reason), ("store.url", f"{section}.key_file"))
