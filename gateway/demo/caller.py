"""Who comes, as the gateway says it: the X-Gateway headers of a request become a Caller.

Rule that holds here: a name or a role is never taken from anything the browser itself can say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote

VISITOR = "X-Gateway-Visitor"
ROLE = "X-Gateway-Role"
DOOR = "X-Gateway-Door"
NAME = "X-Gateway-Name"
SIGNATURE = "X-Gateway-Signature"

MAX_NAME_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Caller:
    """One person at one door; ``name`` may be empty, ``role`` is "host" or "guest"."""

    visitor: str
    role: str
    door: str
    name: str


class Verifier(Protocol):
    """Says whether the gateway's signature covers exactly these values and has not expired.

    ``name`` is the header as it came, percent-encoded.
    """

    def __call__(self, *, visitor: str, role: str, door: str, name: str, signature: str) -> bool: ...


def read_caller(headers: Mapping[str, str], verify: Verifier | None) -> Caller | None:
    """Read the person from a request's headers.

    Returns None where the platform must answer 403: a verifier is given and the signature is missing, wrong or expired.
    Without a verifier the headers are believed, and absent ones read as an unnamed guest.
    """
    visitor, role, door, name = (headers.get(key, "") for key in (VISITOR, ROLE, DOOR, NAME))
    if verify is not None and not (
        visitor and verify(visitor=visitor, role=role, door=door, name=name, signature=headers.get(SIGNATURE, ""))
    ):
        return None
    shown = unquote(name, errors="replace").strip()[:MAX_NAME_CHARACTERS]
    return Caller(visitor=visitor, role="host" if role == "host" else "guest", door=door, name=shown)
