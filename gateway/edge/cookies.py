"""The gateway's cookies: who a browser is, whose host it is, which doors it may go through.

Rule that holds here: a cookie is believed only if we signed it, and only together with the visitor cookie of the
same browser. At most eight passes are kept, the newest ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.signing import HostSignIn, Pass, Signing
from rules.model import Millis, Owner, Role, Visitor
from rules.reasons import Verdict

PASSES_KEPT = 8
_YEAR_S = 365 * 86_400
_MONTH_S = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Jar:
    """The cookies of one request, verified as they are asked for."""

    cookies: Mapping[str, str]
    names: CookieNames
    signing: Signing
    ticket: Pass | None = None  # of a request that comes with one: the only pass

    def visitor(self) -> str | None:
        """The browser's visitor id, or none."""
        value = self.cookies.get(self.names.visitor)
        return self.signing.read_visitor(value) if value else None

    def language(self) -> str | None:
        """The language this browser chose earlier, as it came in: it is nobody's secret, and not signed."""
        return self.cookies.get(self.names.language)

    def sign_in(self, owner_id: str) -> HostSignIn | None:
        """This browser's sign-in as that owner, or none. Whether it was revoked, the room's generation says."""
        value = self.cookies.get(self.names.sign_in(owner_id))
        found = self.signing.read_host(value) if value else None
        return found if found and found.owner_id == owner_id and found.visitor == self.visitor() else None

    def pass_for(self, door_id: str) -> Pass | None:
        """This browser's pass for that door, of whatever age, or none."""
        value = self.cookies.get(self.names.door_pass(door_id))
        found = self.signing.read_pass(value) if value else None
        return found if found and found.door == door_id and found.visitor == self.visitor() else None

    def passes(self) -> list[Pass]:
        """Every pass of this browser, newest first, at most eight."""
        if self.ticket is not None:
            return [self.ticket]
        visitor = self.visitor()
        values = [v for n, v in self.cookies.items() if n.startswith(self.names.pass_prefix)]
        found = [given for v in values[: 4 * PASSES_KEPT] if (given := self.signing.read_pass(v)) is not None]
        mine = [given for given in found if given.visitor == visitor]
        return sorted(mine, key=lambda given: -given.issued_at_ms)[:PASSES_KEPT]


@dataclass(frozen=True, slots=True)
class CookieNames:
    """What our cookies are called and how they are set. `secure`: the public address is https."""

    secure: bool
    embedded: bool = False  # other origins may frame the pages

    @property
    def visitor(self) -> str:
        """The visitor cookie."""
        return f"{self._prefix}lg_v"

    @property
    def language(self) -> str:
        """The cookie of the language a reader chose."""
        return f"{self._prefix}lg_l"

    @property
    def pass_prefix(self) -> str:
        """What the names of all passes begin with."""
        return f"{self._prefix}lg_p_"

    @property
    def _prefix(self) -> str:
        return "__Host-" if self.secure else ""

    def sign_in(self, owner_id: str) -> str:
        """The sign-in of one owner."""
        return f"{self._prefix}lg_h_{owner_id[:8]}"

    def is_sign_in(self, name: str) -> bool:
        """Whether a cookie of this name is a sign-in of some owner."""
        return name.startswith(f"{self._prefix}lg_h_")

    def door_pass(self, door_id: str) -> str:
        """The pass of one door."""
        return f"{self.pass_prefix}{door_id[:8]}"

    def set(self, name: str, value: str, max_age_s: int) -> str:
        """A Set-Cookie header's value. A life of 0 takes the cookie away."""
        parts = [f"{name}={value}", "Path=/", f"Max-Age={max_age_s}", "HttpOnly"]
        if self.secure:
            parts.append("Secure")
        parts += ["SameSite=None", "Partitioned"] if self.embedded and self.secure else ["SameSite=Lax"]
        return "; ".join(parts)

    def set_visitor(self, signing: Signing, visitor: str) -> str:
        """The header that makes this browser that visitor."""
        return self.set(self.visitor, signing.sign_visitor(visitor), _YEAR_S)

    def set_language(self, tag: str) -> str:
        """The header that keeps the reader's choice."""
        return self.set(self.language, tag, _YEAR_S)

    def set_sign_in(self, signing: Signing, sign_in: HostSignIn) -> str:
        """The header that signs this browser in."""
        return self.set(self.sign_in(sign_in.owner_id), signing.sign_host(sign_in), _MONTH_S)

    def set_pass(self, signing: Signing, given: Pass, held: list[Pass]) -> list[str]:
        """The headers that give this browser a pass, and take away what is more than eight."""
        others = [other for other in held if other.door != given.door]
        surplus = sorted(others, key=lambda other: -other.issued_at_ms)[PASSES_KEPT - 1 :]
        drops = [self.set(self.door_pass(other.door), "", 0) for other in surplus]
        return [self.set(self.door_pass(given.door), signing.sign_pass(given), _MONTH_S), *drops]


def visitor_at(jar: Jar, owner_id: str, generation: int, door_id: str, seat: int | None) -> Visitor:
    """Who stands at this door, as far as cookies and link prove it.

    Args: `generation` of the owner's sign-ins as the store has it now; `seat` of the session link, none for a room.
    """
    sign_in = jar.sign_in(owner_id)
    given = jar.pass_for(door_id)
    by_seat = given is not None and seat is not None and given.seat == seat and given.role is Role.HOST
    return Visitor(
        id=jar.visitor(),
        is_host=sign_in is not None and sign_in.generation == generation,
        seat=seat,
        host_seat=by_seat,
    )


def visitor_with(given: Pass, generation: int) -> Visitor:
    """Who comes with this pass. A host's pass that rests on a sign-in ends with the sign-in's generation."""
    hosts = given.role is Role.HOST
    by_sign_in = hosts and given.seat is None and given.generation == generation
    return Visitor(given.visitor, is_host=by_sign_in, seat=given.seat, host_seat=hosts and given.seat is not None)


def pass_after(verdict: Verdict, visitor: Visitor, owner: Owner, door_id: str, now_ms: Millis) -> Pass:
    """The pass that follows from a verdict to forward this visitor from the link of that door."""
    door = owner.doors[verdict.door or door_id]
    role = verdict.role or Role.GUEST
    by_sign_in = visitor.is_host and role is Role.HOST
    return Pass(
        door=door.id,
        owner_id=owner.room.id,
        visitor=visitor.id or "",
        role=role,
        seat=None if by_sign_in or door.id != door_id else visitor.seat,
        issued_at_ms=now_ms,
        alias=door.alias,
        clinic=owner.room.clinic,
        owner=owner.room.owner,
        generation=owner.room.host_generation if by_sign_in else 0,
    )
