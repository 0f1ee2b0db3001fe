"""Texts of the configuration with places for facts about who comes: claims, addresses, answers, bodies of calls.

Rule that holds here: a template is text until a word in braces (``{name}``) names a fact; nothing else in it has a
meaning, so JSON keeps its braces. A fact is written so that it stays a fact: escaped for the place that it stands in.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from enum import Enum, auto
from urllib.parse import quote

PERSON = ("visitor", "name", "role", "kind", "clinic", "owner", "session", "alias", "number")
ROOM = ("clinic", "owner", "session", "alias", "number")  # what says nothing but which room it is
FIELDS = (*PERSON, "credential", "room_credential", "ticket", "participant", "connection", "key", "found.NAME")
FOUND = "found."  # what an "open" call of the platform has answered, by the name that it was given

_FIELD = re.compile(r"\{([A-Za-z][A-Za-z0-9._]*)\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_STEPS = frozenset({".", ".."})  # in a path; no escape keeps them from being taken for that
_NUMBER_BYTES = 6  # 48 bits: a whole number in every language, JavaScript included
_IN_SCRIPTS = {sign: f"\\u{ord(sign):04x}" for sign in "<>&'`$"}  # so that no text ends its string, or its element


class Place(Enum):
    """Where a fact is written, and so what of it must be escaped."""

    PLAIN = auto()  # it stays as it is: a claim, which is escaped as a whole
    URL = auto()  # percent-encoded, every sign that is not a letter or a digit of ASCII, or one of - . _ ~
    JSON = auto()  # between the quotes of a string of JSON or of a script
    HEADER = auto()  # as it is; a fact with control signs is refused


def place_of(media_type: str) -> Place | None:
    """How facts are written into a text of this type; none where they cannot be written safely."""
    essence = media_type.partition(";")[0].strip().lower()
    if essence in {"application/json", "application/javascript", "text/javascript"} or essence.endswith("+json"):
        return Place.JSON
    return {"text/plain": Place.PLAIN, "application/x-www-form-urlencoded": Place.URL}.get(essence)


class Unfilled(Exception):
    """A template that cannot be filled in for this person: `field` has no fact, or one that its place cannot hold."""

    def __init__(self, field: str) -> None:
        self.field = field
        super().__init__(f"nothing can be written for {{{field}}}")


def template_faults(text: str, allowed: Collection[str]) -> list[str]:
    """What is wrong with a template whose fields may be `allowed`, a sentence for each field that may not be there."""
    known = ", ".join(f"{{{field}}}" for field in allowed)
    unknown = dict.fromkeys(field for field in _FIELD.findall(text) if field not in allowed)
    return [f"{{{field}}} is no field here; known are {known}" for field in unknown]


def claim_faults(key: str, claims: object, allowed: Collection[str]) -> Iterator[tuple[str, str]]:
    """The same for claims, however nested: the key of each faulty text below `key`, and the sentence."""
    if isinstance(claims, str):
        yield from ((key, reason) for reason in template_faults(claims, allowed))
    elif isinstance(claims, Mapping):
        for name, value in claims.items():
            yield from claim_faults(f"{key}.{name}", value, allowed)
    elif isinstance(claims, list | tuple):
        for number, value in enumerate(claims):
            yield from claim_faults(f"{key}[{number}]", value, allowed)


def fields_in(text: str) -> frozenset[str]:
    """The fields that a template names."""
    return frozenset(_FIELD.findall(text))


def fill_template(text: str, facts: Mapping[str, str], place: Place) -> str:
    """`text` with its fields replaced by `facts`, each as `place` demands. Raises Unfilled."""

    def written(match: re.Match[str]) -> str:
        fact = facts.get(match.group(1))
        if fact is None or (place is Place.HEADER and _CONTROL.search(fact)):
            raise Unfilled(match.group(1))
        if place is Place.URL and fact in _STEPS and _is_segment(match):
            raise Unfilled(match.group(1))
        return _write(fact, place)

    return _FIELD.sub(written, text)


def _is_segment(field: re.Match[str]) -> bool:
    """Whether a field is a whole segment of an address's path."""
    before, after = field.string[: field.start()], field.string[field.end() :]
    return before.endswith("/") and not set("?#") & set(before) and after[:1] in {"", "/", "?", "#"}


def fill_claims(claims: object, facts: Mapping[str, str]) -> object:
    """Claims with every text in them filled in; names and values that are no texts stay. Raises Unfilled."""
    if isinstance(claims, str):
        return fill_template(claims, facts, Place.PLAIN)
    if isinstance(claims, Mapping):
        return {name: fill_claims(value, facts) for name, value in claims.items()}
    if isinstance(claims, list | tuple):
        return [fill_claims(value, facts) for value in claims]
    return claims


def room_number(alias: str) -> str:
    """The fact {number}, for platforms whose rooms are numbers: 48 bits of SHA-256 of the alias, in decimal."""
    return str(int.from_bytes(hashlib.sha256(alias.encode()).digest()[:_NUMBER_BYTES], "big"))


def _write(fact: str, place: Place) -> str:
    match place:
        case Place.URL:
            return quote(fact, safe="")
        case Place.JSON:
            return "".join(_IN_SCRIPTS.get(sign, sign) for sign in json.dumps(fact)[1:-1])
        case Place.PLAIN | Place.HEADER:
            return fact
