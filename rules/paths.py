"""Request targets: whether a raw path can be read in one way only.

Rule that holds here: the gateway decides on the raw path and forwards the very same string, so a path that a platform
might read as another one than the gateway did is refused before any rule is asked. Every function is total on any text.

Sources: RFC 3986 section 6.2.2.2 (an escaped letter is the letter), RFC 9112 section 3.2 (forms of a target).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PERCENT_TWICE = re.compile(r"%25[0-9A-Fa-f]{2}")
_DOT_SEGMENT = re.compile(r"/\.{1,2}(?:[/;]|$)")
_REFUSED_SIGNS = (
    ("#", "a fragment"),
    ("?", "a question mark"),
    ("\\", "a backslash"),
    ("//", "an empty segment"),
    ("/;", "an empty segment"),
)
# What no client needs to escape, so that /%69nternal is not another path than /internal.
_NEEDLESS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@dataclass(frozen=True, slots=True)
class Target:
    """A request target in origin form."""

    path: str  # raw, begins with a slash
    query: str  # raw, without the question mark


@dataclass(frozen=True, slots=True)
class TargetFault:
    """A target that must be answered 400, and why."""

    reason: str
    path: str = ""  # its raw path, where it has one: under a link's pattern the answer is the uniform 404


def parse_target(raw: str, host: str) -> Target | TargetFault:
    """The target of a request line.

    Args:
        raw: as it stands in the request line; origin form or absolute form.
        host: the Host header; an absolute form must name the same authority.
    """
    target = raw
    if not raw.startswith("/"):
        scheme, separator, rest = raw.partition("://")
        authority, slash, tail = rest.partition("/")
        if not separator or scheme.lower() not in {"http", "https"}:
            return TargetFault("the target is no path")
        if authority.lower() != host.lower():
            return TargetFault("the target names another host than Host")
        target = slash + tail or "/"
    path, _, query = target.partition("?")
    if "#" in query:
        return TargetFault("a fragment", path)
    if _UNPRINTABLE.search(query):
        return TargetFault("a control or non-ASCII character in the query", path)
    reason = path_fault(path)
    return Target(path, query) if reason is None else TargetFault(reason, path)


def path_fault(raw_path: str) -> str | None:
    """Why this raw path is ambiguous, or none.

    Args:
        raw_path: as it stands in the request line, without the query.
    """
    if not raw_path.startswith("/"):
        return "it does not begin with a slash"
    if _UNPRINTABLE.search(raw_path):
        return "a control or non-ASCII character"
    for sign, reason in _REFUSED_SIGNS:
        if sign in raw_path:
            return reason
    if _DOT_SEGMENT.search(raw_path):
        return "a dot segment"
    return _escape_fault(raw_path) if "%" in raw_path else None


def _escape_fault(path: str) -> str | None:
    """Why the percent escapes of this path are ambiguous, or none."""
    if _BAD_PERCENT.search(path):
        return "an invalid percent escape"
    if _PERCENT_TWICE.search(path):
        return "a character escaped twice"
    escaped = unquote_to_bytes("".join(re.findall(r"%..", path)))
    if b"/" in escaped or b"\\" in escaped:
        return "an escaped slash or backslash"
    if any(code < 0x20 or code == 0x7F for code in escaped):  # noqa: PLR2004 - ASCII's control characters
        return "an escaped control character"
    if not _NEEDLESS.isdisjoint(escaped):
        return "an escape of a character that needs none"
    try:
        unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        return "an escape that is not UTF-8"
    return None


def readings(raw_path: str) -> tuple[tuple[str, ...], ...]:
    """The segments as careless readers see them: as they stand, unescaped, and with dot segments followed as well."""
    decoded = unquote_to_bytes(raw_path.encode("utf-8", "replace")).decode("utf-8", "replace").replace("\\", "/")
    unescaped = _without_empty(decoded)
    followed: list[str] = []
    for segment in unescaped:
        if segment == "..":
            del followed[-1:]
        elif segment != ".":
            followed.append(segment)
    return _without_empty(raw_path), unescaped, tuple(followed)


def _without_empty(path: str) -> tuple[str, ...]:
    return tuple(segment for segment in path.split("/") if segment)
