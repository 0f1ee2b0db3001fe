"""Cookies are believed only when signed by us, and only together with the same browser's visitor cookie."""

from __future__ import annotations

from dataclasses import replace

from gateway.edge.cookies import PASSES_KEPT, CookieNames, Jar, visitor_at, visitor_with
from gateway.signing import HostSignIn, Pass, Signing
from rules.model import Role

SIGNING = Signing([b"a" * 32], now_ms=lambda: 1_000_000)
NAMES = CookieNames(secure=True)
OWNER = "00" * 8
DOOR = "01" * 8
ME, SOMEBODY = "g_" + "A" * 16, "g_" + "B" * 16
GUEST = Pass(DOOR, OWNER, ME, Role.GUEST, 2, 1_000, "alias", "clinic", "owner")


def jar(visitor: str = ME, *, passes: tuple[Pass, ...] = (), sign_in: HostSignIn | None = None) -> Jar:
    cookies = {NAMES.visitor: SIGNING.sign_visitor(visitor)}
    cookies |= {NAMES.door_pass(given.door): SIGNING.sign_pass(given) for given in passes}
    if sign_in is not None:
        cookies[NAMES.sign_in(sign_in.owner_id)] = SIGNING.sign_host(sign_in)
    return Jar(cookies, NAMES, SIGNING)


def test_a_pass_is_read_back_by_the_browser_it_was_given_to() -> None:
    assert jar(passes=(GUEST,)).pass_for(DOOR) == GUEST
    assert jar(passes=(GUEST,)).passes() == [GUEST]


def test_a_pass_in_another_browser_is_no_pass() -> None:
    assert jar(SOMEBODY, passes=(GUEST,)).pass_for(DOOR) is None
    assert jar(SOMEBODY, passes=(GUEST,)).passes() == []


def test_a_pass_under_another_doors_name_is_no_pass_for_that_door() -> None:
    other = "02" * 8
    swapped = Jar(
        {NAMES.visitor: SIGNING.sign_visitor(ME), NAMES.door_pass(other): SIGNING.sign_pass(GUEST)}, NAMES, SIGNING
    )
    assert swapped.pass_for(other) is None


def test_cookies_signed_by_somebody_else_are_nobody() -> None:
    forger = Signing([b"b" * 32])
    forged = Jar(
        {NAMES.visitor: forger.sign_visitor(ME), NAMES.door_pass(DOOR): forger.sign_pass(GUEST)}, NAMES, SIGNING
    )
    assert forged.visitor() is None
    assert forged.passes() == []


def test_a_sign_in_counts_until_the_room_raises_its_generation() -> None:
    mine = jar(sign_in=HostSignIn(OWNER, 3, ME, 1_000_000))
    assert visitor_at(mine, OWNER, 3, DOOR, None).is_host
    assert not visitor_at(mine, OWNER, 4, DOOR, None).is_host


def test_a_host_seats_pass_makes_a_host_at_that_seat_alone() -> None:
    at_seat = jar(passes=(replace(GUEST, role=Role.HOST, seat=1),))
    assert visitor_at(at_seat, OWNER, 0, DOOR, 1).host_seat
    assert not visitor_at(at_seat, OWNER, 0, DOOR, 2).host_seat
    assert not visitor_at(jar(passes=(GUEST,)), OWNER, 0, DOOR, 2).host_seat


def test_a_pass_that_rests_on_a_sign_in_ends_with_its_generation() -> None:
    given = replace(GUEST, role=Role.HOST, seat=None, generation=3)
    assert visitor_with(given, 3).is_host
    assert not visitor_with(given, 4).is_host


def test_only_the_newest_eight_passes_stay() -> None:
    held = [replace(GUEST, door=f"{n:02x}" * 8, issued_at_ms=n) for n in range(1, PASSES_KEPT + 1)]
    new = replace(GUEST, door="ff" * 8, issued_at_ms=100)
    first, *drops = NAMES.set_pass(SIGNING, new, held)
    assert first.startswith(f"{NAMES.door_pass(new.door)}=")
    assert [drop.partition("=")[0] for drop in drops] == [NAMES.door_pass(held[0].door)]
    assert all("Max-Age=0" in drop for drop in drops)


def test_on_https_every_cookie_is_locked_to_the_host() -> None:
    line = NAMES.set_visitor(SIGNING, ME)
    assert line.startswith("__Host-lg_v=")
    for part in ("Path=/", "HttpOnly", "Secure", "SameSite=Lax"):
        assert part in line
    assert "Domain" not in line


def test_framed_pages_of_allowed_origins_get_partitioned_cookies() -> None:
    line = CookieNames(secure=True, embedded=True).set_visitor(SIGNING, ME)
    assert "SameSite=None" in line
    assert "Partitioned" in line


def test_on_plain_http_the_prefix_and_secure_are_left_out() -> None:
    line = CookieNames(secure=False).set_visitor(SIGNING, ME)
    assert line.startswith("lg_v=")
    assert "Secure" not in line
