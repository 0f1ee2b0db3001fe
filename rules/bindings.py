"""What binds a request to one door: its path, a query parameter, a credential, its upstream, or nothing.

Rule that holds here: what a request says about its door is compared with the doors the visitor has passes for, never
trusted; said twice it says nothing, because the platform may listen to the other one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from urllib.parse import quote, unquote_plus

from rules.model import Role
from rules.patterns import CONNECTION

_PAIR_ENDS = re.compile(r"[&;]")
_WORD = re.compile(r"[A-Za-z0-9._~-]+")


class BindingKind(StrEnum):
    """Where a request says which door it is for."""

    PATH = "path"
    QUERY = "query"
    CREDENTIAL_QUERY = "credential:query"  # a token of the gateway's own, in a query parameter
    CREDENTIAL_HEADER = "credential:header"  # the same, in a header
    UPSTREAM = "upstream"  # each room has an upstream of its own
    UNBOUND = "unbound"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A door that one of the visitor's live passes opens."""

    id: str
    alias: str
    clinic: str
    owner: str
    role: Role

    def facts(self) -> dict[str, str]:
        """What each placeholder stands for at this door."""
        return {"clinic": self.clinic, "owner": self.owner, "session": self.id, "alias": self.alias}

    def is_called(self, alias: str | None) -> bool:
        """Whether the platform's name for this door is `alias`. Some platforms turn the names of rooms lower case."""
        return alias is not None and alias.lower() == self.alias.lower()


@dataclass(frozen=True, slots=True)
class Binding:
    """`name`: of the parameter or header; `claim`: of the credential's claim that holds the door's alias."""

    kind: BindingKind
    name: str = ""
    claim: str = ""

    @property
    def parameter(self) -> str:
        """The query parameter to read, empty when none is."""
        return self.name if self.kind in {BindingKind.QUERY, BindingKind.CREDENTIAL_QUERY} else ""

    @property
    def by_credential(self) -> bool:
        """Whether a credential must be verified before the door is known."""
        return self.kind in {BindingKind.CREDENTIAL_QUERY, BindingKind.CREDENTIAL_HEADER}

    def may_mean(self, door: Candidate, placeholders: Mapping[str, str], said: str | None) -> bool:
        """Whether nothing that a request says about its door speaks against this one.

        `placeholders` stand in its path; `said` is the alias in its query parameter or in its credential's claim.
        """
        facts = door.facts()
        if any(_plain(name, text) != facts[name] for name, text in placeholders.items() if name != CONNECTION):
            return False
        return door.is_called(said) if self.parameter or self.by_credential else True


class Said(Enum):
    """What a query says that is no value."""

    NOTHING = auto()
    TWICE = auto()


def parse_binding(text: str) -> Binding | None:
    """The binding that a route's ``binds`` means; none when it means nothing."""
    match text.split(":"):
        case ["path" | "upstream" | "unbound" as kind]:
            return Binding(BindingKind(kind))
        case ["query", name] if _WORD.fullmatch(name):
            return Binding(BindingKind.QUERY, name)
        case ["credential", "query" | "header" as place, name, claim] if _WORD.fullmatch(name) and claim:
            return Binding(BindingKind(f"credential:{place}"), name, claim)
        case _:
            return None


def read_parameter(raw_query: str, name: str) -> str | Said:
    """The value of a query parameter, unescaped.

    Whatever some platform might take for the same parameter (``ROOM=``, ``room[]=``, a pair after ``;``) counts as
    another mention of it, and only the plain spelling has a value.
    """
    mentions: list[tuple[str, str]] = []
    for pair in _PAIR_ENDS.split(raw_query):
        raw_key, _, value = pair.partition("=")
        if _mentions(raw_key, name):
            mentions.append((unquote_plus(raw_key), value))
    if len(mentions) > 1:
        return Said.TWICE
    if not mentions or mentions[0][0] != name:
        return Said.NOTHING
    return unquote_plus(mentions[0][1])


def with_parameter(raw_query: str, name: str, value: str) -> str:
    """The same query with that parameter, once and last; whatever might be taken for it is taken out."""
    others = [pair for pair in _PAIR_ENDS.split(raw_query) if pair and not _mentions(pair.partition("=")[0], name)]
    return "&".join((*others, f"{name}={quote(value, safe='')}"))


def _mentions(raw_key: str, name: str) -> bool:
    """Whether some platform might take this key for that parameter's."""
    return unquote_plus(raw_key).partition("[")[0].strip().lower() == name.lower()


def _plain(placeholder: str, text: str) -> str:
    """What a path says in a placeholder's place; slugs mean the same in letters of either case."""
    return text.lower() if placeholder in {"clinic", "owner"} else text
