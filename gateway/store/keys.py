"""The names of everything in the store.

Rule that holds here: a key is `prefix:{pNN}:kind:identifier`; NN is one of 64 partitions and the cluster's hash tag, so
all doors of an owner share a slot. No name, slug or reference stands in a key: they are digested first.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

PARTITIONS = 64
_IDENTIFIER = re.compile(r"[0-9a-f]{16}")


def digest_of(*parts: str) -> str:
    """A short name for `parts` that tells nothing about them: 32 hexadecimal digits."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def partition_of(identifier: str) -> int:
    """The partition of a door, a room, a session or a digest: its first byte, modulo 64."""
    return int(identifier[:2], 16) % PARTITIONS


def is_identifier(text: str) -> bool:
    """Whether `text` may name a door, a room or a session: 16 lower-case hexadecimal digits."""
    return _IDENTIFIER.fullmatch(text) is not None


def kind_of(key: str) -> str:
    """What sort of thing `key` names: `door` of `lg:{p07}:door:07..`."""
    return key.split("}:", 1)[1].split(":", 1)[0]


def slot_of(key: str) -> str:
    """The hash tag of `key`, which decides where a cluster keeps it."""
    return key[key.index("{") : key.index("}") + 1]


@dataclass(frozen=True, slots=True)
class Keys:
    """Key names under one prefix."""

    prefix: str = "lg"

    def of(self, kind: str, identifier: str) -> str:
        """The key of the `kind` of thing that `identifier` names."""
        return f"{self.prefix}:{{p{partition_of(identifier):02d}}}:{kind}:{identifier}"

    def shared(self, kind: str, partition: int = 0) -> str:
        """The key of what a whole partition has once: epoch, due, outbox; in partition 0 also clinics and keys."""
        return f"{self.prefix}:{{p{partition:02d}}}:{kind}"

    def door(self, door_id: str) -> tuple[str, str, str]:
        """A door's document, its presence and its waiting heartbeats, in the order the scripts take them."""
        return self.of("door", door_id), self.of("in", door_id), self.of("wait", door_id)

    def channel(self, partition: int) -> str:
        """The pub/sub channel of a partition."""
        return f"{self.prefix}:{{p{partition:02d}}}"
