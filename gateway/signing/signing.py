"""What the gateway signs for itself: links, cookies, sign-ins, and keyed digests.

Rule that holds here: one purpose, one salt. Reading gives the value or none, and never says why not. An age is judged
against `now_ms`, the instant of the request; without one, against the clock given at construction.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from itsdangerous.encoding import base64_encode

from gateway import clock
from gateway.signing import base62
from gateway.signing.signer import Fields, SignedFields, TruncatedHmac, signer
from rules.model import Role

HOST_SIGN_IN_MS = 30 * 86_400_000
HOST_LINK_MS = 15 * 60_000
TICKET_MS = 86_400_000  # longer than any call; a page that is opened again has a new one
CLOCK_SKEW_MS = 60_000  # how far ahead another replica's clock may be

_FINGERPRINT = b"link-gateway.fingerprint\x00"
_ID_BYTES = 8
_MAC_BYTES = 9
_MAX_SEAT = 255
_TOKENS_KEPT = 8192


@dataclass(frozen=True, slots=True)
class Pass:
    """This visitor may go through this door in this role. Re-signed on use; how old is too old, its reader says."""

    door: str
    owner_id: str
    visitor: str
    role: Role
    seat: int | None
    issued_at_ms: int
    alias: str = ""  # the door's name on the platform, so that a path can be read while the store is away
    clinic: str = ""  # the slugs, likewise
    owner: str = ""
    generation: int = 0  # of the room's host sign-ins, when the pass rests on one


@dataclass(frozen=True, slots=True)
class HostSignIn:
    """This visitor is signed in as the owner of this room, for 30 days from `issued_at_ms`."""

    owner_id: str
    generation: int  # of the room when it was issued; raising the room's revokes all
    visitor: str
    issued_at_ms: int


@dataclass(frozen=True, slots=True)
class HostLink:
    """A link that signs the owner in, once (`nonce` is burned), within 15 minutes of its making."""

    owner_id: str
    generation: int
    nonce: str
    name: str


class Signing:
    """Signs and verifies with `keys`, at least one, oldest first; the last one signs.

    `fingerprints` name the keys, in their order, to whoever must not know them.
    """

    def __init__(self, keys: Sequence[bytes], now_ms: Callable[[], int] = clock.now_ms) -> None:
        if not keys:
            raise ValueError("needs a key")
        self._now_ms = now_ms
        self.fingerprints = tuple(hashlib.sha256(_FINGERPRINT + key).hexdigest()[:32] for key in keys)
        self._tokens = signer(keys, "link-gateway.session-link", TruncatedHmac(_MAC_BYTES))
        self._known_tokens: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self._visitors = SignedFields(keys, "visitor")
        self._passes = SignedFields(keys, "pass")
        self._tickets = SignedFields(keys, "ticket")
        self._sign_ins = SignedFields(keys, "host-sign-in")
        self._host_links = SignedFields(keys, "host-link")
        self._digest_key = signer(keys, "link-gateway.digest").derive_key()

    def session_token(self, session_id: str, seat: int) -> str:
        """The 25 letters and digits of a session link. `session_id` is 16 hex digits, `seat` 1 to 255."""
        identifier = bytes.fromhex(session_id)
        if len(identifier) != _ID_BYTES or not 1 <= seat <= _MAX_SEAT:
            raise ValueError("takes a session id of 8 bytes and a seat from 1 to 255")
        head = identifier + bytes([seat])
        return base62.encode(head + self._tokens.algorithm.get_signature(self._tokens.derive_key(), head))

    def read_session_token(self, token: str) -> tuple[str, int] | None:
        """The session id and seat of a session link we made, or none."""
        known = self._known_tokens.get(token)
        if known is not None:
            self._known_tokens.move_to_end(token)
            return known
        raw = base62.decode(token)
        if raw is None:
            return None
        head, mac = raw[: _ID_BYTES + 1], raw[_ID_BYTES + 1 :]
        if not self._tokens.verify_signature(head, base64_encode(mac)):
            return None
        found = (head[:_ID_BYTES].hex(), head[_ID_BYTES])
        self._known_tokens[token] = found
        if len(self._known_tokens) > _TOKENS_KEPT:
            self._known_tokens.popitem(last=False)
        return found

    def sign_visitor(self, visitor: str) -> str:
        """The visitor cookie's value."""
        return self._visitors.sign((visitor,))

    def read_visitor(self, value: str) -> str | None:
        """The visitor id of a visitor cookie, or none."""
        match self._visitors.read(value):
            case (str(visitor),):
                return visitor
        return None

    def sign_pass(self, given: Pass) -> str:
        """The pass cookie's value."""
        return self._passes.sign(_pass_fields(given))

    def read_pass(self, value: str) -> Pass | None:
        """The pass in a cookie, of whatever age, or none."""
        return _pass_of(self._passes.read(value))

    def sign_ticket(self, given: Pass, now_ms: int | None = None) -> str:
        """The pass as a ticket, for a path: letters, digits, ``-``, ``_`` and dots. Good for a day from `now_ms`."""
        made_at_ms = self._now_ms() if now_ms is None else now_ms
        return self._tickets.sign(_pass_fields(replace(given, issued_at_ms=made_at_ms)))

    def read_ticket(self, value: str, now_ms: int | None = None) -> Pass | None:
        """The pass in a ticket, or none; also none a day after its making."""
        given = _pass_of(self._tickets.read(value))
        return given if given is not None and self._is_young(given.issued_at_ms, TICKET_MS, now_ms) else None

    def sign_host(self, given: HostSignIn) -> str:
        """The host sign-in cookie's value."""
        return self._sign_ins.sign((given.owner_id, given.generation, given.visitor, given.issued_at_ms))

    def read_host(self, value: str, now_ms: int | None = None) -> HostSignIn | None:
        """The sign-in in a cookie, or none; also none 30 days after it was issued."""
        match self._sign_ins.read(value):
            case (str(owner_id), int(generation), str(visitor), int(issued_at_ms)) if self._is_young(
                issued_at_ms, HOST_SIGN_IN_MS, now_ms
            ):
                return HostSignIn(owner_id, generation, visitor, issued_at_ms)
        return None

    def sign_host_link(self, given: HostLink, now_ms: int | None = None) -> str:
        """The token of a host link, good for 15 minutes from `now_ms`."""
        made_at_ms = self._now_ms() if now_ms is None else now_ms
        return self._host_links.sign((given.owner_id, given.generation, given.nonce, given.name, made_at_ms))

    def read_host_link(self, value: str, now_ms: int | None = None) -> HostLink | None:
        """The host link in a token, or none; also none 15 minutes after its making. Burned or not, the store knows."""
        match self._host_links.read(value):
            case (str(owner_id), int(generation), str(nonce), str(name), int(made_at_ms)) if self._is_young(
                made_at_ms, HOST_LINK_MS, now_ms
            ):
                return HostLink(owner_id, generation, nonce, name)
        return None

    def digest(self, value: str) -> str:
        """12 hex digits that stand for `value` in logs: the same for the same value and key, and no way back."""
        return hmac.new(self._digest_key, value.encode(), hashlib.sha256).hexdigest()[:12]

    def _is_young(self, made_at_ms: int, longest_ms: int, now_ms: int | None) -> bool:
        now = self._now_ms() if now_ms is None else now_ms
        return made_at_ms - CLOCK_SKEW_MS <= now < made_at_ms + longest_ms


def _pass_fields(given: Pass) -> Fields:
    fields = (given.door, given.owner_id, given.visitor, given.role.value, given.seat, given.issued_at_ms)
    return (*fields, given.alias, given.clinic, given.owner, given.generation)


def _pass_of(fields: Fields | None) -> Pass | None:
    match fields:
        case (
            str(door),
            str(owner_id),
            str(visitor),
            str(role),
            (int() | None) as seat,
            int(issued_at_ms),
            str(alias),
            str(clinic),
            str(owner),
            int(generation),
        ):
            place = (alias, clinic, owner)
            return Pass(door, owner_id, visitor, Role(role), seat, issued_at_ms, *place, generation)
    return None
