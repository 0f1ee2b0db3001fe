"""What an address answers somebody who comes for the first time, and why.

Rule that holds here: the answer is found by the very functions that serve requests: the same patterns, the same
look-up, the same rules. No cookie takes part.
"""

from __future__ import annotations

from typing import Any

from gateway.cli.opened import store_now
from gateway.clock import format_instant
from gateway.edge.parts import Parts
from gateway.edge.visit import LOST, NO_LINK, SPENT, Target, find_target
from gateway.store import Snapshot, UnknownOwner
from rules.admission import queue
from rules.links import Link, Malformed, RoomLink, SessionLink, parse_link, under_link_pattern
from rules.model import Door, DoorKind, Millis, Owner, Policy, Role, Visitor
from rules.paths import path_fault
from rules.presence import anyone_inside, guests_inside, host_inside
from rules.reasons import MEANINGS, Reason, Verdict
from rules.routes import MEANINGS as ROUTES
from rules.routes import Match, Unadmitted
from rules.verdict import decide
from rules.views import session_status
from rules.window import closes, next_opening, opens, takes_newcomers

Document = dict[str, Any]


async def explain_address(parts: Parts, asked: str, at_ms: Millis | None) -> Document:
    """The answer to a GET of this address, at `at_ms` or by default now. Raises StoreAway."""
    now_ms = await store_now(parts)
    decided_ms = now_ms if at_ms is None else at_ms
    clock: Document = {
        "decided_at": format_instant(decided_ms),
        "clock": "the store's" if at_ms is None else f"as given; the store's says {format_instant(now_ms)}",
    }
    host, path = read_address(asked, parts.config.server.public_url)
    fault = path_fault(path)
    if fault is not None and not under_link_pattern(path, host, parts.patterns):
        return {"address": "unreadable", "status": 400, "rule": f"What can be read in two ways is refused: {fault}."}
    link = Malformed() if fault is not None else parse_link(path, host, parts.patterns)
    if link is None:
        return {**_elsewhere(parts, path), **clock}
    return {**await _explain_link(parts, link, decided_ms), **clock}


def read_address(asked: str, public_url: str) -> tuple[str, str]:
    """Host and raw path of what somebody copied: a whole address, one without its scheme, or a path."""
    own = public_url.partition("://")[2]
    scheme, separator, rest = asked.partition("://")
    text = rest if separator and "/" not in scheme else asked
    if text.startswith("/"):
        host, path = own, text
    elif separator or "." in text.partition("/")[0] or text.partition("/")[0] == own:
        host, slash, tail = text.partition("/")
        path = slash + tail or "/"
    else:
        host, path = own, f"/{text}"
    return host, path.partition("#")[0].partition("?")[0]


async def _explain_link(parts: Parts, link: Link, at_ms: Millis) -> Document:
    address = {RoomLink: "room link", SessionLink: "session link", Malformed: "malformed link"}[type(link)]
    target = await find_target(parts, link)
    if isinstance(target, Verdict):
        return {"address": address, **_said(target)}
    try:
        snapshot = await parts.doors.read(target.owner_id, target.door_id)
    except UnknownOwner as unknown:
        otherwise = NO_LINK if target.seat is None else SPENT
        return {"address": address, **_said(_missing(parts.policy, unknown, otherwise))}
    owner, door = snapshot.owner, snapshot.owner.doors.get(target.door_id)
    if door is None:
        return {"address": address, **_said(_missing(parts.policy, snapshot, SPENT))}
    visitor = Visitor(None, seat=target.seat)
    verdict = decide(owner, target.door_id, visitor, parts.policy, at_ms)
    return {
        "address": address,
        **_said(verdict),
        "door": _door(owner, door, target, parts.policy, at_ms),
        "instants": _instants(snapshot, door, parts.policy, at_ms),
    }


def _missing(policy: Policy, facts: Snapshot | UnknownOwner, otherwise: Verdict) -> Verdict:
    """While the store's data is young it may have been emptied, and nothing is said to be gone."""
    return LOST if facts.now_ms < facts.epoch_since_ms + 2 * policy.presence_ttl_ms else otherwise


def _said(verdict: Verdict) -> Document:
    """The verdict, for somebody without cookies."""
    retry_ms = verdict.retry_at_ms
    return {
        "verdict": verdict.outcome.value,
        "reason": verdict.reason.value,
        "status": MEANINGS[verdict.reason].status,
        "rule": verdict.rule,
        "role": verdict.role.value if verdict.role is not None else None,
        "can_take": verdict.can_take or None,
        "retry_at": format_instant(retry_ms) if retry_ms is not None else None,
    }


def _door(owner: Owner, door: Door, target: Target, policy: Policy, at_ms: Millis) -> Document:
    said: Document = {
        "id": door.id,
        "kind": door.kind.value,
        "clinic": owner.clinic.slug,
        "owner": owner.room.owner,
        "seat": target.seat,
        "status": session_status(door, policy, at_ms) if door.kind is DoorKind.SESSION else door.status.value,
        "locked": door.locked or None,
        "host_inside": host_inside(door, at_ms),
        "guests_inside": len(guests_inside(door, at_ms)),
        "guests_waiting": len(queue(door)),
    }
    if door.kind is DoorKind.SESSION:
        said["held"] = door.held
        said["somebody_inside"] = anyone_inside(door, at_ms)
    return said


def _instants(snapshot: Snapshot, door: Door, policy: Policy, at_ms: Millis) -> list[Document]:
    """The instants that matter for this door, in order."""
    found: list[tuple[Millis, str]] = []
    if door.kind is DoorKind.SESSION:
        found = [
            (opens(door, Role.HOST, policy), "its host may come"),
            (opens(door, Role.GUEST, policy), "its guests may come"),
            (door.opens_at_ms, "it opens"),
            (door.closes_at_ms, "it closes"),
            (closes(door, policy), "too late for newcomers"),
            (door.alive_until_ms, "over, unless somebody is inside"),
        ]
    clinic = snapshot.owner.clinic
    opening_ms = None if takes_newcomers(clinic, at_ms) else next_opening(clinic, at_ms)
    if opening_ms is not None and door.kind is DoorKind.ROOM:
        found.append((opening_ms, "the clinic opens"))
    if door.finished_at_ms is not None:
        found.append((door.finished_at_ms, f"it was {door.status.value}"))
    if snapshot.owner.held_until_ms > snapshot.now_ms:
        found.append((snapshot.owner.held_until_ms, "until then time ends nothing, for the store was away"))
    return [{"at": format_instant(at), "what": what} for at, what in sorted(found)]


def _elsewhere(parts: Parts, path: str) -> Document:
    """What is no link: the gateway's own pages, and the platform's."""
    if path.startswith("/-/"):
        return {
            "address": "the gateway's own",
            "rule": "Sign-in, desk and static files; a desk needs its owner's sign-in.",
        }
    found = parts.routes.find("GET", path, "")
    if not isinstance(found, Match) or ROUTES[found.route.kind].unadmitted is Unadmitted.NOT_FOUND:
        return {"address": "no route", **_said(Verdict(Reason.UNKNOWN_LINK, rule="What no route lists is not there."))}
    route = f"route {found.route.path}, class {found.route.kind.value}"
    if ROUTES[found.route.kind].unadmitted is Unadmitted.FORWARD:
        return {"address": route, **_said(Verdict(Reason.ASSET, rule="Assets are open to everybody."))}
    rule = "Whoever has not come through a link has no pass for the platform's pages."
    return {"address": route, **_said(Verdict(Reason.NO_PASS, rule=rule))}
