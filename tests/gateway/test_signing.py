from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.signing import HostLink, HostSignIn, Pass, Signing, base62, signer
from rules.model import Role

OLD, NEW = b"o" * 32, b"n" * 32
NOW = 1_800_000_000_000
MINUTE, DAY = 60_000, 86_400_000

SIGNING = Signing([OLD], now_ms=lambda: NOW)
SESSION_IDS = st.binary(min_size=8, max_size=8).map(bytes.hex)
SEATS = st.integers(1, 255)
NAMES = st.text(max_size=80)

PASS = Pass("d" * 16, "e" * 16, "g_visitor", Role.GUEST, 2, NOW, "alias", "north", "ada", 3)
SIGN_IN = HostSignIn("e" * 16, 3, "g_host", NOW)
LINK = HostLink("e" * 16, 3, "nonce", "Dr. Ångström")

KINDS: dict[str, tuple[Callable[[Signing], str], Callable[[Signing, str], object]]] = {
    "session token": (lambda s: s.session_token("0123456789abcdef", 7), lambda s, t: s.read_session_token(t)),
    "visitor": (lambda s: s.sign_visitor("g_0123456789abcdef"), lambda s, t: s.read_visitor(t)),
    "pass": (lambda s: s.sign_pass(PASS), lambda s, t: s.read_pass(t)),
    "ticket": (lambda s: s.sign_ticket(PASS), lambda s, t: s.read_ticket(t)),
    "host sign-in": (lambda s: s.sign_host(SIGN_IN), lambda s, t: s.read_host(t)),
    "host link": (lambda s: s.sign_host_link(LINK), lambda s, t: s.read_host_link(t)),
}
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


def fresh(*keys: bytes) -> Signing:
    """A signing that remembers nothing yet."""
    return Signing(keys, now_ms=lambda: NOW)


# --- session tokens -------------------------------------------------------------------------------------------
@given(SESSION_IDS, SEATS)
def test_a_session_token_is_25_letters_and_digits_and_reads_back(session_id: str, seat: int) -> None:
    token = SIGNING.session_token(session_id, seat)
    assert len(token) == 25
    assert set(token) <= set(string.ascii_letters + string.digits)
    assert fresh(OLD).read_session_token(token) == (session_id, seat)


@given(SESSION_IDS, SEATS, st.integers(0, 24), st.sampled_from(string.ascii_letters + string.digits))
def test_a_session_token_with_one_other_character_is_refused(session_id: str, seat: int, at: int, put: str) -> None:
    token = SIGNING.session_token(session_id, seat)
    other = token[:at] + put + token[at + 1 :]
    if other != token:
        assert SIGNING.read_session_token(other) is None


@given(st.text(max_size=30))
def test_reading_a_session_token_takes_any_text(text: str) -> None:
    assert SIGNING.read_session_token(text) is None


@pytest.mark.parametrize(("session_id", "seat"), [("00" * 7, 1), ("00" * 9, 1), ("00" * 8, 0), ("00" * 8, 256)])
def test_a_session_token_is_made_of_8_bytes_and_a_seat_from_1_to_255(session_id: str, seat: int) -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        SIGNING.session_token(session_id, seat)


@given(st.binary(min_size=18, max_size=18))
def test_base62_is_the_inverse_of_itself(raw: bytes) -> None:
    assert base62.decode(base62.encode(raw)) == raw


@given(st.text(alphabet=string.ascii_letters + string.digits, min_size=25, max_size=25))
def test_base62_takes_one_text_for_each_value(text: str) -> None:
    raw = base62.decode(text)
    assert raw is None or base62.encode(raw) == text


def test_base62_refuses_a_value_too_large_for_18_bytes() -> None:
    largest = base62.encode(b"\xff" * 18)
    above = largest[:-1] + chr(ord(largest[-1]) + 1)
    assert base62.decode(largest) == b"\xff" * 18
    assert base62.decode(above) is None
    assert base62.decode("z" * 25) is None


def test_base62_encodes_18_bytes_only() -> None:
    with pytest.raises(ValueError, match="18 bytes"):
        base62.encode(b"\0" * 17)


# --- every signed text ----------------------------------------------------------------------------------------
@EVERY_KIND
def test_a_signed_text_reads_back_also_the_second_time(kind: str) -> None:
    sign, read = KINDS[kind]
    text, reader = sign(SIGNING), fresh(OLD)
    assert read(reader, text) is not None
    assert read(reader, text) == read(reader, text)


@EVERY_KIND
def test_any_other_character_anywhere_is_refused(kind: str) -> None:
    sign, read = KINDS[kind]
    text = sign(SIGNING)
    for at, there in enumerate(text):
        for put in "A_b0.%é" if there != "A" else "B_b0.%é":
            other = text[:at] + put + text[at + 1 :]
            assert other == text or read(SIGNING, other) is None, (at, put)


@EVERY_KIND
def test_another_spelling_of_the_same_signature_is_refused(kind: str) -> None:
    sign, read = KINDS[kind]
    text = sign(SIGNING)
    for other in (text + "=", text + "A", " " + text, text + "\n", text[:-1], "", text * 50):
        assert read(SIGNING, other) is None


def test_each_spelling_of_the_last_base64_character_but_one_is_refused() -> None:
    text = SIGNING.sign_visitor("g_0123456789abcdef")
    good = [text[:-1] + last for last in string.ascii_letters + string.digits + "-_"]
    assert [each for each in good if SIGNING.read_visitor(each)] == [text]


@EVERY_KIND
def test_another_key_is_refused(kind: str) -> None:
    sign, read = KINDS[kind]
    assert read(fresh(NEW), sign(SIGNING)) is None


@EVERY_KIND
def test_another_purpose_is_refused(kind: str) -> None:
    sign, _ = KINDS[kind]
    text = sign(SIGNING)
    for other, (_, read) in KINDS.items():
        assert other == kind or read(SIGNING, text) is None


def test_purposes_are_kept_apart_by_their_salt_not_by_what_they_say() -> None:
    text = signer.SignedFields([OLD], "one").sign(("same",))
    assert signer.SignedFields([OLD], "one").read(text) == ("same",)
    assert signer.SignedFields([OLD], "other").read(text) is None


@EVERY_KIND
def test_the_newest_key_signs_and_every_key_reads(kind: str) -> None:
    sign, read = KINDS[kind]
    both = fresh(OLD, NEW)
    assert read(both, sign(fresh(OLD))) is not None
    assert read(fresh(NEW), sign(both)) is not None
    assert read(fresh(OLD), sign(both)) is None


def test_signing_without_a_key_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs a key"):
        Signing([])


def test_a_remembered_text_makes_way_for_newer_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signer, "_VERIFIED_KEPT", 2)
    fields = signer.SignedFields([OLD], "test")
    texts = [fields.sign((number,)) for number in range(3)]
    assert [fields.read(text) for text in (texts[0], texts[1], texts[0], texts[2])] == [(0,), (1,), (0,), (2,)]
    assert list(fields._verified) == [texts[0], texts[2]]


def test_remembered_tokens_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.signing.signing._TOKENS_KEPT", 2)
    reader = fresh(OLD)
    tokens = [reader.session_token("00" * 8, seat) for seat in (1, 2, 3)]
    for token in tokens:
        assert reader.read_session_token(token) is not None
    assert list(reader._known_tokens) == tokens[1:]


def test_what_was_refused_is_not_remembered() -> None:
    reader = fresh(OLD)
    reader.read_session_token("z" * 25)
    reader.read_visitor("forged.forged")
    assert not reader._known_tokens
    assert not reader._visitors._verified


# --- what they say --------------------------------------------------------------------------------------------
@given(SESSION_IDS, SESSION_IDS, NAMES, st.sampled_from(Role), st.none() | SEATS, st.integers(0, 2**53))
def test_a_pass_says_what_it_was_given(d: str, o: str, v: str, role: Role, seat: int | None, at: int) -> None:
    given_pass = Pass(d, o, v, role, seat, at)
    assert fresh(OLD).read_pass(SIGNING.sign_pass(given_pass)) == given_pass


def test_a_pass_is_read_at_any_age_since_its_reader_judges_it() -> None:
    old = Pass("d", "o", "v", Role.HOST, None, 0)
    assert SIGNING.read_pass(SIGNING.sign_pass(old)) == old


def test_a_cookie_value_needs_no_quoting() -> None:
    allowed = set(string.ascii_letters + string.digits + "-_.")
    assert set(SIGNING.sign_pass(PASS) + SIGNING.sign_host_link(LINK)) <= allowed


@given(NAMES)
def test_a_host_link_says_what_it_was_given(name: str) -> None:
    link = HostLink("o", 1, "n", name)
    assert SIGNING.read_host_link(SIGNING.sign_host_link(link)) == link


@pytest.mark.parametrize(
    ("age_ms", "good"),
    [(-2 * MINUTE, False), (-MINUTE, True), (0, True), (15 * MINUTE - 1, True), (15 * MINUTE, False)],
)
def test_a_host_link_is_good_for_15_minutes(age_ms: int, *, good: bool) -> None:
    text = SIGNING.sign_host_link(LINK, NOW)
    assert (SIGNING.read_host_link(text, NOW + age_ms) is not None) is good


@pytest.mark.parametrize(("age_ms", "good"), [(0, True), (30 * DAY - 1, True), (30 * DAY, False)])
def test_a_host_sign_in_is_good_for_30_days_also_when_remembered(age_ms: int, *, good: bool) -> None:
    text = SIGNING.sign_host(SIGN_IN)
    assert SIGNING.read_host(text, NOW) == SIGN_IN
    assert (SIGNING.read_host(text, NOW + age_ms) == SIGN_IN) is good


def test_a_digest_is_short_steady_and_keyed() -> None:
    assert SIGNING.digest("door") == fresh(OLD).digest("door")
    assert len(SIGNING.digest("door")) == 12
    assert len({SIGNING.digest("door"), SIGNING.digest("doors"), fresh(NEW).digest("door")}) == 3


# --- tickets --------------------------------------------------------------------------------------------------
def test_a_ticket_is_the_pass_of_its_making_and_goes_into_a_path_as_it_is() -> None:
    ticket = SIGNING.sign_ticket(PASS, NOW + MINUTE)
    assert set(ticket) <= set(string.ascii_letters + string.digits + "-_.")
    assert SIGNING.read_ticket(ticket, NOW + MINUTE) == replace(PASS, issued_at_ms=NOW + MINUTE)


@pytest.mark.parametrize(
    ("age_ms", "is_good"), [(0, True), (DAY - 1, True), (DAY, False), (-MINUTE, True), (-MINUTE - 1, False)]
)
def test_a_ticket_is_good_for_a_day(age_ms: int, is_good: bool) -> None:
    assert (SIGNING.read_ticket(SIGNING.sign_ticket(PASS, NOW), NOW + age_ms) is not None) is is_good


def test_a_pass_is_no_ticket_and_a_ticket_no_pass() -> None:
    assert SIGNING.read_ticket(SIGNING.sign_pass(PASS)) is None
    assert SIGNING.read_pass(SIGNING.sign_ticket(PASS)) is None
