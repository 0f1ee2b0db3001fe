"""Path patterns of routes: exact (``/ws``), prefix (``/static/**``) and suffix (``**/xmpp-websocket``).

Rule that holds here: a pattern that guards matches whatever a platform might read as the address it names - letters
of either case, path parameters (``/api;x/join``), a trailing slash - and one that opens matches only what it says.
Segments are literals without escapes, or placeholders of one segment each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

FACTS = ("clinic", "owner", "session", "alias")  # what a door is, and what a path may say of it
CONNECTION = "connection"  # what the platform calls a browser's connection: it says nothing of a door
PLACEHOLDERS = (*FACTS, CONNECTION)

_LITERAL = re.compile(r"[A-Za-z0-9._~-]+")
_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
_PARAMETERS = r"(?:;[^/]*)?"
_NAME = r"[A-Za-z0-9._~-]{1,128}"  # as it will be said to the platform, so in one spelling only


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A pattern, cut up but not checked: ask `faults` first."""

    text: str
    segments: tuple[str, ...]
    before: bool  # begins with **
    after: bool  # ends in **

    @property
    def named(self) -> frozenset[str]:
        """The placeholders in it."""
        return placeholders_in(self.text)

    @property
    def first(self) -> str | None:
        """The first segment of every path it matches, in lower case; none when that may be anything."""
        if self.before or not self.segments or self.segments[0].startswith("{"):
            return None
        return self.segments[0].lower()

    @property
    def matches_all(self) -> bool:
        """Whether every path matches."""
        return not self.segments and (self.before or self.after)

    def faults(self) -> list[str]:
        """What is wrong with it, for the operator."""
        reasons: list[str] = []
        if not self.text.startswith(("/", "**/")) or (self.before and self.after):
            reasons.append("a path is exact (/ws), a prefix (/static/**) or a suffix (**/xmpp-websocket)")
        found = [match.group(1) for part in self.segments if (match := _PLACEHOLDER.fullmatch(part))]
        literals = [part for part in self.segments if not _PLACEHOLDER.fullmatch(part)]
        if len(set(found)) != len(found) or not set(found) <= set(PLACEHOLDERS):
            reasons.append("placeholders are {clinic}, {owner}, {session}, {alias} and {connection}, each at most once")
        if not all(_LITERAL.fullmatch(part) and part.strip(".") for part in literals):
            reasons.append("a segment is one placeholder, or letters, digits and . _ ~ -, without escapes")
        if self.first == "-":
            reasons.append("addresses that begin with /-/ are the gateway's own")
        return reasons

    def regex(self, *, guards: bool) -> re.Pattern[str]:
        """What a raw path must match in full; its groups are the placeholders."""
        parameters = _PARAMETERS if guards else ""
        body = "".join(
            f"/(?P<{match.group(1)}>{_NAME if match.group(1) == CONNECTION else '[^/]+'})"
            if (match := _PLACEHOLDER.fullmatch(part))
            else f"/{re.escape(part)}{parameters}"
            for part in self.segments
        )
        end = "(?:/.*)?" if self.after else "/?" if guards or not body else ""
        return re.compile(("(?:/.*)?" if self.before else "") + body + end, re.IGNORECASE if guards else 0)


def cut_pattern(text: str) -> PathPattern:
    """A pattern as the configuration writes it."""
    before = text.startswith(("**/", "/**/"))
    after = text.endswith("/**")
    middle = text.removeprefix("/").removeprefix("**/")
    middle = ("/" + middle if middle else "").removesuffix("/**")
    return PathPattern(text, tuple(middle[1:].split("/")) if middle else (), before, after)


def pins_a_door(named: frozenset[str]) -> bool:
    """Whether these placeholders together say which door is meant."""
    return not named.isdisjoint({"alias", "session"}) or named >= {"clinic", "owner"}


def placeholders_in(text: str) -> frozenset[str]:
    """The placeholders in a path or an address."""
    return frozenset(_PLACEHOLDER.findall(text))


def fill(text: str, facts: Mapping[str, str]) -> str:
    """A path or an address with its placeholders replaced; one without a fact stays."""
    return _PLACEHOLDER.sub(lambda match: facts.get(match.group(1), match.group()), text)
