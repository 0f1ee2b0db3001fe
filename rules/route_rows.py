"""A row of the route table as the configuration writes it: a route, or everything that is wrong with it.

Rule that holds here: every fault is told at once, by the key that is to be changed; no route is made of a faulty row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rules.bindings import BindingKind, parse_binding
from rules.model import Role
from rules.patterns import CONNECTION, FACTS, PathPattern, cut_pattern, fill, pins_a_door
from rules.routes import MEANINGS, Counts, Route, RouteClass

_METHOD = re.compile(r"[A-Z]+")
_ADDRESS = re.compile(r"(?:https?://[A-Za-z0-9.:\[\]_-]+/?|unix:/[A-Za-z0-9./_-]+)")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:; ?[A-Za-z0-9-]+=[A-Za-z0-9._-]+)*")
_BINDINGS = "path, query:NAME, credential:query:NAME:CLAIM, credential:header:NAME:CLAIM, upstream or unbound"
_NO_DOOR = "the path names no door: it needs {alias}, {session}, or {clinic} and {owner}; else say what binds it"
_COOKIELESS = frozenset({RouteClass.SIGNAL, RouteClass.POLL, RouteClass.API, RouteClass.MINT})
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class RouteFault:
    """What is wrong with a route, for the operator."""

    key: str
    value: str
    reason: str


def compile_route(
    path: str,
    kind: str,
    role: str = "",
    methods: Iterable[str] = (),
    binds: str = "",
    upstream: str = "",
    *,
    service_worker: bool = False,
    counts: str = Counts.OPEN,
    cookieless: bool = False,
    answer: str = "",
    answer_type: str = JSON,
) -> Route | tuple[RouteFault, ...]:
    """A route of the configuration, or every fault it has.

    The arguments are the keys of a ``[[routes]]`` table, `kind` its ``class``. Without `binds` the path binds; where
    the path names no door, a class that asks for a pass must say what does.
    """
    pattern = cut_pattern(path)
    verbs = frozenset(method.upper() for method in methods)
    binding = parse_binding(binds or "path")
    faults = _path_faults(path, pattern, kind)
    faults += _word_faults(kind, role, verbs, upstream)
    faults += _class_faults(kind, counts, answer, answer_type, cookieless=cookieless)
    if binding is None:
        return (*faults, RouteFault("binds", binds, _BINDINGS))
    if not faults and binding.kind is BindingKind.PATH and _lacks_a_door(RouteClass(kind), pattern):
        faults.append(RouteFault("binds", binds, _NO_DOOR))
    if faults:
        return tuple(faults)
    return Route(
        path=path,
        kind=RouteClass(kind),
        pattern=pattern,
        regex=pattern.regex(guards=kind != RouteClass.ASSET),
        binding=binding,
        role=Role(role) if role else None,
        methods=verbs | {"HEAD"} if "GET" in verbs else verbs,
        upstream=upstream,
        service_worker=service_worker,
        counts=Counts(counts),
        cookieless=cookieless,
        answer=answer,
        answer_type=answer_type,
    )


def _path_faults(path: str, pattern: PathPattern, kind: str) -> list[RouteFault]:
    """What is wrong with a route's pattern."""
    faults = [RouteFault("path", path, reason) for reason in pattern.faults()]
    if kind == RouteClass.ENTRY and CONNECTION in pattern.named:
        faults.append(RouteFault("path", path, "the page's address cannot hold {connection}: links lead to it"))
    return faults


def _lacks_a_door(kind: RouteClass, pattern: PathPattern) -> bool:
    """Whether a pass is asked for by a path that does not say to which door."""
    return MEANINGS[kind].needs_door and not pins_a_door(pattern.named)


def _word_faults(kind: str, role: str, verbs: frozenset[str], upstream: str) -> list[RouteFault]:
    """What is wrong with a route's single words."""
    faults: list[RouteFault] = []
    if kind not in set(RouteClass):
        faults.append(RouteFault("class", kind, "one of " + ", ".join(RouteClass)))
    if role not in {"", *Role}:
        faults.append(RouteFault("role", role, "host, guest, or empty for both"))
    faults += [RouteFault("methods", verb, "not a method") for verb in sorted(verbs) if not _METHOD.fullmatch(verb)]
    plain = fill(upstream, dict.fromkeys(FACTS, "x"))
    if any(not _ADDRESS.fullmatch(address) for address in plain.split(" ") if upstream):
        reason = (
            "an address such as http://127.0.0.1:8080 or unix:/path; it may hold {clinic}, {owner}, {session}, {alias}"
        )
        faults.append(RouteFault("upstream", upstream, reason))
    return faults


def _class_faults(kind: str, counts: str, answer: str, answer_type: str, *, cookieless: bool) -> list[RouteFault]:
    """What is wrong with keys that only some classes have."""
    faults: list[RouteFault] = []
    if counts not in set(Counts):
        faults.append(RouteFault("counts", counts, "one of " + ", ".join(Counts)))
    elif counts != Counts.OPEN and kind in set(RouteClass) and not MEANINGS[RouteClass(kind)].presence:
        faults.append(RouteFault("counts", counts, "only a route of class signal or poll tells who is inside"))
    if cookieless and kind in set(RouteClass) - _COOKIELESS:
        faults.append(RouteFault("cookieless", "true", "only routes of class " + _listed(_COOKIELESS)))
    if answer and kind != RouteClass.MINT:
        faults.append(RouteFault("answer", answer, "only a route of class mint is answered by the gateway"))
    if not _MEDIA_TYPE.fullmatch(answer_type):
        faults.append(RouteFault("answer_type", answer_type, "a media type such as application/json"))
    return faults


def _listed(kinds: Iterable[RouteClass]) -> str:
    return ", ".join(kind for kind in RouteClass if kind in set(kinds))
