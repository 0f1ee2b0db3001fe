"""What must hold between keys of [identity], and of the templates in it.

Rule that holds here: a template with a field that does not exist is a fault, told with the key it stands under, so
that nobody learns of it from a guest who could not come in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from gateway.config.faults import Check, Fault, shown
from gateway.config.identity_sections import TOKENS, Identity
from gateway.config.key_checks import check_given, check_needed
from rules.headers import is_ours_to_say
from rules.templates import FOUND, PERSON, ROOM, claim_faults, fields_in, place_of, template_faults

if TYPE_CHECKING:
    from gateway.config.model import Config

_CARRIERS = {
    "headers": ("header",),
    "jwt": ("header", "query", "redirect", "mint"),
    "hmac-token": ("header", "query", "redirect", "mint"),
    "signed-url": ("redirect",),
    "api-call": ("redirect",),
    "none": ("header", "redirect"),
}
_DIGESTS = ("SHA1", "SHA256", "SHA384", "SHA512")
_ALGORITHMS = {
    "headers": ("HS256",),
    "jwt": ("HS256", "RS256", "EdDSA"),
    "hmac-token": _DIGESTS,
    "signed-url": _DIGESTS,
}
_OURS = frozenset({"exp", "iat", "nbf", "jti"})


def check_identity(config: Config) -> Iterator[Check]:
    """Every fault between keys of [identity]."""
    identity, known = config.identity, person_fields(config)
    yield from _kind(identity)
    yield from _keys(config)
    yield from _location(identity, known, config.upstream.entry)
    yield from _call(identity, known)
    yield from _answers(config, known)
    for key in ("claims", "host_claims", "guest_claims"):
        claims = getattr(identity, key)
        for name in sorted(_OURS & set(claims)):
            yield Check(Fault(f"identity.{key}.{name}", "", "is set by the gateway: see ttl_s and checked"))
        for place, reason in claim_faults(f"identity.{key}", claims, known):
            yield Check(Fault(place, "", reason))
    for number, route in enumerate(config.routes):
        if route.binds.startswith("credential:") and identity.kind != "jwt":
            reason = 'needs identity.kind = "jwt": no other credential says which door it is for'
            yield Check(Fault(f"routes[{number}].binds", shown(route.binds), reason), ("identity.kind",))


def person_fields(config: Config) -> tuple[str, ...]:
    """The fields of every template about a person: who they are, and what was found when the door was opened."""
    found = {name for call in config.platform.calls_on("open") for name in call.find}
    return (*PERSON, *sorted(FOUND + name for name in found))


def _kind(identity: Identity) -> Iterator[Check]:
    kind = identity.kind
    if identity.carrier not in _CARRIERS[kind]:
        reason = f'must be {_one_of(_CARRIERS[kind])} when identity.kind is "{kind}"'
        yield Check(Fault("identity.carrier", shown(identity.carrier), reason), ("identity.kind",))
    algorithms = _ALGORITHMS.get(kind, ())
    if algorithms and identity.signs_with not in algorithms:
        reason = f'must be {_one_of(algorithms)} when identity.kind is "{kind}"'
        yield Check(Fault("identity.algorithm", shown(identity.algorithm), reason), ("identity.kind",))
    if any(is_ours_to_say(name.encode()) or name.lower() == "cookie" for name in identity.header_names):
        reason = "is the gateway's own matter already"
        yield Check(Fault("identity.name", shown(identity.name), reason), ("identity.carrier", "identity.kind"))
    if kind == "hmac-token" and not identity.plugins:
        yield Check(Fault("identity.plugins", "", "must name what the token opens"), ("identity.kind",))
    if identity.room_realm and kind != "hmac-token":
        yield Check(Fault("identity.room_realm", shown(identity.room_realm), "is for hmac-token"), ("identity.kind",))
    yield from _template("identity.room_opens", identity.room_opens, ROOM)
    if any(set(",:") & set(name) for name in _words_of(identity) if kind == "hmac-token"):
        reason = "neither this nor issuer, room_realm and room_opens may hold a comma or a colon: they part its words"
        yield Check(Fault("identity.plugins", shown(list(identity.plugins)), reason), ("identity.issuer",))


def _words_of(identity: Identity) -> tuple[str, ...]:
    """What stands between the commas of Janus' tokens."""
    return (*identity.plugins, identity.issuer, identity.room_realm, identity.room_opens)


def _keys(config: Config) -> Iterator[Check]:
    identity = config.identity
    yield from check_given("identity", identity)
    if set(identity.keys) & set(config.secrets.keys):
        reason = "must be other keys than those of secrets: a platform that can check who comes must not forge passes"
        yield Check(Fault("identity.keys", "(not shown)", reason), ("secrets.keys",))
    if identity.kind == "headers":
        yield from check_needed("identity", identity, config.store.url)
    elif identity.by_private_key and (identity.keys or not identity.key_file):
        reason = "is missing: it holds the private keys (PEM), the newest last"
        yield Check(Fault("identity.key_file", "", reason), ("identity.keys", "identity.algorithm", "identity.kind"))
    elif identity.kind in _ALGORITHMS and not identity.keys and not identity.key_file:
        reason = "is missing: the key that the platform checks with"
        yield Check(Fault("identity.keys", "", reason), ("identity.key_file", "identity.kind"))


def _location(identity: Identity, known: Collection[str], entry: str) -> Iterator[Check]:
    location, with_keys = identity.location, ("identity.kind", "identity.carrier")
    if identity.carrier != "redirect" or identity.kind == "api-call":
        return
    token = identity.kind in TOKENS
    if not location.startswith("/") or location.startswith(("//", "/\\")):
        reason = "must be where people are sent: a path of this gateway, such as /group/{alias}/?token={credential}"
        yield Check(Fault("identity.location", shown(location), reason), with_keys)
    elif token and "credential" not in fields_in(location):
        reason = "must hold {credential}: else nobody is told who comes"
        yield Check(Fault("identity.location", shown(location), reason), with_keys)
    elif _leads_to(location, entry, by_spelling=identity.kind != "none") and not identity.location_parameter:
        reason = (
            "is the entry itself, which would send people there for ever: it needs a parameter that is {credential}"
        )
        yield Check(Fault("identity.location", shown(location), reason), (*with_keys, "upstream.entry"))
    allowed = (*known, "credential") if token else known
    yield from _template("identity.location", location, allowed)


def _leads_to(location: str, entry: str, *, by_spelling: bool) -> bool:
    """Whether people who are sent there are at the entry again; `by_spelling`: also by another one that routes take."""
    path = location.partition("#")[0].partition("?")[0]
    return path == entry or (by_spelling and path.rstrip("/").lower() == entry.rstrip("/").lower())


def _call(identity: Identity, known: Collection[str]) -> Iterator[Check]:
    call, with_keys = identity.call, ("identity.kind",)
    if identity.kind == "api-call":
        if not call.url:
            reason = "is missing: where the platform is asked, such as http://127.0.0.1:3010/api/v1/join"
            yield Check(Fault("identity.call.url", "", reason), with_keys)
        for role in ("host", "guest"):
            if not getattr(call.find, role):
                reason = "is missing: where in the answer the address stands"
                yield Check(Fault(f"identity.call.find.{role}", "", reason), with_keys)
    known = (*known, "key") if identity.says_its_key else known
    yield from _template("identity.call.url", call.url, known)
    yield from _template("identity.call.body", call.body, known)
    for name, value in call.headers.items():
        yield from _template(f"identity.call.headers.{name}", value, known)


def _answers(config: Config, known: Collection[str]) -> Iterator[Check]:
    identity = config.identity
    mint = [(number, route) for number, route in enumerate(config.routes) if route.class_ == "mint"]
    if identity.carrier == "mint" and not any("credential" in fields_in(route.answer) for _, route in mint):
        reason = 'no route of class "mint" has an answer with {credential}, so nobody is told who comes'
        yield Check(Fault("identity.carrier", shown(identity.carrier), reason), ("routes",))
    tokens = ("credential",) if identity.kind in TOKENS else ()
    allowed = (*known, *tokens, *(("room_credential",) if identity.room_realm else ()), "ticket")
    for number, route in mint:
        if not route.answer:
            reason = "is missing: the gateway answers this address itself"
            yield Check(Fault(f"routes[{number}].answer", "", reason), ("routes",))
        if place_of(route.answer_type) is None:
            reason = "must be JSON, a script or plain text: names are made safe for those alone"
            yield Check(Fault(f"routes[{number}].answer_type", shown(route.answer_type), reason), ("routes",))
        yield from _template(f"routes[{number}].answer", route.answer, allowed)


def _template(key: str, text: str, allowed: Collection[str]) -> Iterator[Check]:
    """The faults of a template; its text is not shown, because it may hold a key of the platform's."""
    for reason in template_faults(text, allowed):
        yield Check(Fault(key, "", reason))


def _one_of(words: Collection[str]) -> str:
    return " or ".join(f'"{word}"' for word in words)
