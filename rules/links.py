"""Links: the addresses that lead to doors, read from raw paths and written from slugs and tokens.

Rule that holds here: parse and format are inverse, and whatever stands in a link's place is the gateway's, however
badly it is written: it gets the uniform 404 and never reaches the route table. Patterns come from the configuration:
``/{clinic}/room/{owner}``, ``/session/{token}``, host style ``{clinic}.example.org/room/{owner}``.

Slugs are 1 to 63 letters, digits and dashes, neither first nor last a dash, so that each is a host label too. Letters
of either case are read (people type links from a card) and mean the lower case slug; so do a pattern's fixed words.
Tokens keep their case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rules.paths import readings

TOKEN_LENGTH = 25
GATEWAY_SEGMENT = "-"  # /-/... is the gateway's own: host sign-in, desk, static files

_SLUG = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_TOKEN = re.compile(r"[A-Za-z0-9]{25}")
_LITERAL_SEGMENT = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*")
_LITERAL_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
_PORT = re.compile(r":\d*$")


@dataclass(frozen=True, slots=True)
class RoomLink:
    """Leads to an owner's room. Both slugs lower case."""

    clinic: str
    owner: str


@dataclass(frozen=True, slots=True)
class SessionLink:
    """Leads to a seat in a session, if the token is one of ours."""

    token: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """Stands in a link's place but cannot be a link: the uniform 404."""


Link = RoomLink | SessionLink | Malformed


@dataclass(frozen=True, slots=True)
class PatternFault:
    """What is wrong with a pattern, for the operator."""

    key: str  # room | session
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Template:
    """One pattern, cut up. A part is a literal in lower case, or a placeholder's name in braces."""

    labels: tuple[str, ...]  # of the host; empty: any host
    segments: tuple[str, ...]

    def values(self, labels: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
        """What stands in the placeholders' places, unchecked; none where the literals or the lengths differ."""
        if len(segments) != len(self.segments) or (self.labels and len(labels) != len(self.labels)):
            return None
        found: dict[str, str] = {}
        for part, text in zip(self.labels + self.segments, (labels if self.labels else ()) + segments, strict=True):
            if part[0] == "{":
                found[part[1:-1]] = text
            elif text.lower() != part:
                return None
        return found


@dataclass(frozen=True, slots=True)
class Patterns:
    """Both patterns, checked, and what may not be a slug because something else has its place."""

    room: Template
    session: Template
    reserved: Mapping[str, frozenset[str]]  # placeholder -> slugs


def compile_patterns(
    room: str, session: str, reserved_segments: Iterable[str] = (), reserved_labels: Iterable[str] = ()
) -> Patterns | tuple[PatternFault, ...]:
    """The patterns of the configuration, or every fault they have.

    Args:
        room: names ``{clinic}`` and ``{owner}`` once each.
        session: names ``{token}`` once.
        reserved_segments: first segments that belong to something else (rules.routes.first_segments).
        reserved_labels: first host labels that belong to something else, such as that of the desk's own host.
    """
    rooms, sessions = _cut(room), _cut(session)
    faults = [PatternFault("room", room, reason) for reason in _faults(rooms, ("clinic", "owner"))]
    faults += [PatternFault("session", session, reason) for reason in _faults(sessions, ("token",))]
    if not faults and _overlap(rooms, sessions):
        faults.append(PatternFault("session", session, "an address could be both a room link and a session link"))
    if faults:
        return tuple(faults)
    words = {GATEWAY_SEGMENT, sessions.segments[0], *reserved_segments}
    reserved = {**_reserved(rooms.segments, words), **_reserved(rooms.labels, {*reserved_labels})}
    return Patterns(rooms, sessions, reserved)


def slug_fault(placeholder: str, slug: str, patterns: Patterns) -> str | None:
    """Why `slug` cannot be the slug of a clinic (`placeholder` "clinic") or of an owner ("owner"), or none."""
    if not _SLUG.fullmatch(slug) or slug != slug.lower():
        return "a slug is 1 to 63 lower case letters, digits and dashes, with no dash at either end"
    if slug in patterns.reserved.get(placeholder, ()):
        return "this word has another meaning in the addresses of this gateway"
    return None


def parse_link(raw_path: str, host: str, patterns: Patterns) -> Link | None:
    """The link that a request's address is; none when it is no link's place at all.

    `raw_path` is as it stands in the request line, without the query; one trailing slash is ignored. `host` is the
    Host header; its port is ignored.
    """
    if not raw_path.startswith("/"):
        return None
    path = raw_path[1:-1] if raw_path.endswith("/") else raw_path[1:]
    return _read(_labels(host), tuple(path.split("/")), patterns)


def under_link_pattern(raw_path: str, host: str, patterns: Patterns) -> bool:
    """Whether an ambiguous path is in a link's place in any reading, so that its answer is the uniform 404.

    Asked only about paths that rules.paths.path_fault refuses; total on any text.
    """
    for segments in readings(raw_path):
        for template in (patterns.room, patterns.session):
            if _read(_labels(host), segments[: len(template.segments)], patterns) is not None:
                return True
    return False


def format_room_link(base: str, clinic: str, owner: str, patterns: Patterns) -> str:
    """The room link of these slugs. `base`: the public URL, without a path; host style takes its scheme and port."""
    return _format(patterns.room, base, {"clinic": clinic, "owner": owner})


def format_session_link(base: str, token: str, patterns: Patterns) -> str:
    """The session link of this token; `base` as for `format_room_link`."""
    return _format(patterns.session, base, {"token": token})


def _read(labels: tuple[str, ...], segments: tuple[str, ...], patterns: Patterns) -> Link | None:
    """The link that these parts of an address are."""
    if (values := patterns.session.values(labels, segments)) is not None:
        token = values["token"]
        return SessionLink(token) if _TOKEN.fullmatch(token) else Malformed()
    if (values := patterns.room.values(labels, segments)) is None:
        return None
    if any(values[placeholder].lower() in slugs for placeholder, slugs in patterns.reserved.items()):
        return None
    if not all(_SLUG.fullmatch(value) for value in values.values()):
        return Malformed()
    return RoomLink(values["clinic"].lower(), values["owner"].lower())


def _labels(host: str) -> tuple[str, ...]:
    """The labels of a Host header, lower case, without port and without the root's dot."""
    return tuple(_PORT.sub("", host).lower().removesuffix(".").split("."))


def _format(template: Template, base: str, values: Mapping[str, str]) -> str:
    """The address that this template gives with these values."""
    path = "/" + "/".join(_fill(template.segments, values))
    base = base.rstrip("/")
    if not template.labels:
        return base + path
    scheme = base.partition("://")[0]
    port = _PORT.search(base)
    return f"{scheme}://{'.'.join(_fill(template.labels, values))}{port.group() if port else ''}{path}"


def _fill(parts: tuple[str, ...], values: Mapping[str, str]) -> list[str]:
    return [values[part[1:-1]] if part[0] == "{" else part for part in parts]


def _reserved(parts: tuple[str, ...], words: set[str]) -> dict[str, frozenset[str]]:
    """What the placeholder that comes first may not be; empty when a literal comes first."""
    if not parts or parts[0][0] != "{":
        return {}
    return {parts[0][1:-1]: frozenset(word.lower() for word in words)}


def _cut(pattern: str) -> Template:
    """The parts of a pattern, unchecked."""
    host, slash, path = pattern.partition("/")
    return Template(tuple(host.lower().split(".")) if host else (), tuple(path.lower().split("/")) if slash else ())


def _faults(template: Template, placeholders: tuple[str, ...]) -> list[str]:
    """What is wrong with one pattern."""
    reasons: list[str] = []
    parts = template.labels + template.segments
    named = [match.group(1) for part in parts if (match := _PLACEHOLDER.fullmatch(part))]
    if sorted(named) != sorted(placeholders):
        wanted = " and ".join(f"{{{name}}}" for name in placeholders)
        reasons.append(f"it must name {wanted} once, and nothing else")
    literals = [part for part in template.segments if not _PLACEHOLDER.fullmatch(part)]
    if not literals:
        reasons.append("its path needs a fixed segment, such as 'room'")
    if not all(_LITERAL_SEGMENT.fullmatch(part) for part in literals):
        reasons.append("a segment is one placeholder, or letters, digits and . _ ~ -")
    if template.segments[:1] == (GATEWAY_SEGMENT,):
        reasons.append("addresses that begin with /-/ are the gateway's own")
    fixed = [part for part in template.labels if not _PLACEHOLDER.fullmatch(part)]
    if template.labels and not (fixed and all(_LITERAL_LABEL.fullmatch(part) for part in fixed)):
        reasons.append("a host label is one placeholder, or letters, digits and dashes; one at least is fixed")
    return reasons


def _overlap(room: Template, session: Template) -> bool:
    """Whether one address could be both, but for a first segment that is reserved anyway."""
    if len(room.segments) != len(session.segments):
        return False
    if room.segments[0][0] == "{" and session.segments[0][0] != "{":
        return False
    pairs = zip(room.segments, session.segments, strict=True)
    return all(one[0] == "{" or other[0] == "{" or one == other for one, other in pairs)
