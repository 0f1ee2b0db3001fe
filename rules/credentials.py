"""What a platform is told of somebody in a token, and how long that is good.

Rule that holds here: a token never ends with the session's window. Where the platform looks at it once, it is good for
a short while whatever the window says; where it looks again and again, it outlives the longest call that may be going
on when the window closes. Who may come in is decided elsewhere, at every request: a token only says who they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rules.bindings import Candidate
from rules.model import DoorKind, Millis, Role
from rules.templates import FOUND, Place, fill_claims, fill_template, room_number

Claims = Mapping[str, Any]

ISSUED_EARLIER_S = 30  # than now: the platform's clock may be behind
TIMES = frozenset({"iat", "nbf", "exp", "jti"})
SUBJECT = "{visitor}"
JANUS = "janus"  # the realm in which Janus' own API is entered
_PARTS_REUSED = 3  # a credential is made anew after this part of its life, so that none arrives nearly expired


@dataclass(frozen=True, slots=True)
class Terms:
    """What [identity] says of every credential."""

    issuer: str = ""
    audience: str = "platform"
    ttl_ms: Millis = 60_000
    always: bool = False  # the platform looks at it at every request, not only when somebody connects
    longest_call_ms: Millis = 43_200_000
    claims: Claims = field(default_factory=dict)
    own_claims: Mapping[Role, Claims] = field(default_factory=dict)  # what differs for a role
    roles: Mapping[Role, str] = field(default_factory=dict)  # the platform's words for them
    plugins: tuple[str, ...] = ()
    room_realm: str = ""  # of a second token, which opens one room of Janus
    room_opens: str = ""  # what that one opens, as a template

    @property
    def reused_ms(self) -> Millis:
        """How long after its making a credential may be handed out again."""
        return self.ttl_ms // _PARTS_REUSED

    @property
    def visitor_at(self) -> tuple[str, ...]:
        """Where every token holds the visitor and nothing else, so that it can be told whose it is; empty: nowhere."""
        said = [merged({"sub": SUBJECT}, merged(self.claims, self.own_claims.get(role, {}))) for role in Role]
        return min(set.intersection(*(set(_places_of(SUBJECT, claims)) for claims in said)), key=len, default=())

    def ends_at(self, now_ms: Millis, closes_at_ms: Millis | None) -> Millis:
        """When a credential made now ends. `closes_at_ms`: when a session's last newcomer may come; none: a room."""
        if not self.always:
            return now_ms + self.ttl_ms
        return max(now_ms, closes_at_ms or now_ms) + self.longest_call_ms + self.reused_ms

    def is_enough(self, ends_at_ms: Millis, now_ms: Millis) -> bool:
        """Whether one that ends then may still be used by somebody who comes now."""
        return ends_at_ms - now_ms >= (self.longest_call_ms if self.always else self.reused_ms)


def facts_of(
    terms: Terms, door: Candidate, visitor: str, name: str, kind: DoorKind, found: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The facts that templates about one person are filled with. Whoever gave no name is called by their role."""
    return {
        "visitor": visitor,
        "name": name or door.role.value.capitalize(),
        "role": terms.roles.get(door.role, door.role.value),
        "kind": kind.value,
        **door.facts(),
        "number": room_number(door.alias),
        **{FOUND + key: value for key, value in (found or {}).items()},
    }


def said_of(terms: Terms, role: Role, facts: Mapping[str, str]) -> dict[str, Any]:
    """What a token says of this person, its times left out. Raises Unfilled."""
    registered = {"aud": terms.audience, "sub": facts["visitor"]} | ({"iss": terms.issuer} if terms.issuer else {})
    own = merged(terms.claims, terms.own_claims.get(role, {}))
    return merged(registered, {name: fill_claims(value, facts) for name, value in own.items()})


def timed(said: Claims, now_ms: Millis, ends_at_ms: Millis, token_id: str) -> dict[str, Any]:
    """The claims of a token made now. `token_id` is used for no other."""
    since = now_ms // 1000 - ISSUED_EARLIER_S
    return {**said, "iat": since, "nbf": since, "exp": -(-ends_at_ms // 1000), "jti": token_id}


def without_times(claims: Claims) -> dict[str, Any]:
    """What a token says of somebody, whenever it was made."""
    return {name: value for name, value in claims.items() if name not in TIMES}


def merged(claims: Claims, own: Claims) -> dict[str, Any]:
    """`claims` with `own` in their place; tables are merged, everything else replaced."""
    out = dict(claims)
    for name, value in own.items():
        before = out.get(name)
        out[name] = merged(before, value) if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return out


def _places_of(value: str, claims: Claims, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where this text stands in `claims`, the names of tables first."""
    for name, said in claims.items():
        if isinstance(said, Mapping):
            yield from _places_of(value, said, (*above, name))
        elif said == value:
            yield *above, name


def text_at(claims: Claims, names: Iterable[str]) -> str | None:
    """The text that stands there, tables being entered by all names but the last; none where there is no text."""
    value: Any = claims
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else None


def claim_at(claims: Claims, path: str) -> str | None:
    """The text under a name such as ``video.room``, dots leading into tables; none where there is no text."""
    if isinstance(named := claims.get(path), str):
        return named
    return text_at(claims, path.split("."))


def janus_words(terms: Terms, ends_at_ms: Millis) -> str:
    """What an HMAC token says before its colon: ``expiry,realm,plugin...``, as Janus' auth.c reads it."""
    return ",".join((str(-(-ends_at_ms // 1000)), terms.issuer or JANUS, *terms.plugins))


def janus_room_words(terms: Terms, facts: Mapping[str, str], ends_at_ms: Millis) -> str:
    """The same of the token that a room asks for (``signed_tokens``): its realm is the plugin, and it opens one room.

    Raises Unfilled.
    """
    opens = fill_template(terms.room_opens, facts, Place.PLAIN)
    return ",".join((str(-(-ends_at_ms // 1000)), terms.room_realm, opens))


def checksum_words(location: str) -> str:
    """What BigBlueButton's checksum covers, before the secret: the name of the call, and its query as it stands."""
    path, _, query = location.partition("#")[0].partition("?")
    return path.rpartition("/")[2] + query
