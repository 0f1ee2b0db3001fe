"""What is said of an event, how it is signed, and when it is tried again."""

from __future__ import annotations

import base64
import json
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.integrations.letters import Letter, read_letter
from gateway.integrations.webhooks import (
    KINDS,
    MOST_SECRETS,
    NAMES,
    PREFIX,
    RETRIES_MS,
    key_of,
    kind_of,
    make_secret,
    next_try_ms,
    render,
    rotated,
    sign,
)
from gateway.store import Secret
from rules.effects import Happening

DOOR, ROOM = "00000000000000b1", "00000000000000aa"
EVENT = {
    "id": "ev_1",
    "at_ms": 1_772_442_000_123,
    "what": "inside",
    "by": "g_1",
    "door": DOOR,
    "kind": "session",
    "owner": ROOM,
    "clinic": "d" * 32,
    "revision": 3,
    "facts": {"role": "guest", "waited_ms": 5},
    "guest": "g_1",
}
LETTER = Letter("sunrise", "1-1", EVENT)
BODY = render(LETTER)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_a_payload_says_what_and_when_and_the_ids_to_ask_about() -> None:
    assert json.loads(BODY) == {
        "type": "inside",
        "timestamp": "2026-03-02T09:00:00.123Z",
        "data": {
            "event": "ev_1",
            "clinic": "sunrise",
            "room": ROOM,
            "door": DOOR,
            "session": DOOR,
            "visitor": "g_1",
            "role": "guest",
        },
    }


def test_a_letter_is_read_as_it_was_written() -> None:
    assert read_letter(LETTER.text) == LETTER


def test_the_world_hears_of_the_listed_kinds_and_no_other() -> None:
    assert set(NAMES) == {
        *("knock", "admitted", "denied", "inside", "left", "host.absent"),
        *(f"session.{what}" for what in ("scheduled", "changed", "cancelled", "ended", "overtime")),
    }
    quiet = {what for what in Happening if kind_of({"what": what.value, "facts": {}}) is None}
    assert quiet == set(Happening) - set(KINDS)
    assert {Happening.MESSAGE, Happening.JOINED, Happening.NAMES_ERASED} <= quiet


@pytest.mark.parametrize("what", ["removed", "on_hold"])
def test_a_guest_who_is_sent_out_has_left_and_one_who_only_waited_has_not(what: str) -> None:
    event = {**EVENT, "what": what}
    assert kind_of({**event, "facts": {"was_inside": False}}) is None
    sent_out = Letter("sunrise", "1-1", {**event, "facts": {"was_inside": True}})
    said = json.loads(render(sent_out))
    assert (said["type"], said["data"]["role"]) == ("left", "guest")


def test_an_independent_verifier_accepts_a_signature_and_no_other_body() -> None:
    secret = make_secret()
    headers = sign("ev_1", BODY, [Secret(secret)], now_ms())
    assert Webhook(secret).verify(BODY, headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", headers)


def test_while_secrets_change_both_verify_and_then_the_new_one_alone() -> None:
    old, new, now = make_secret(), make_secret(), now_ms()
    secrets = rotated([Secret(old)], new, now + 1000)
    both = sign("ev_1", BODY, secrets, now)
    for secret in (old, new):
        Webhook(secret).verify(BODY, both)
    after = sign("ev_1", BODY, secrets, now + 1000)
    Webhook(new).verify(BODY, after)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(BODY, after)


def test_secrets_changed_in_a_hurry_leave_the_one_in_use_good() -> None:
    secrets: tuple[Secret, ...] = (Secret("first"),)
    for number in range(2):
        secrets = rotated(secrets, f"new {number}", 1000 + number)
    assert secrets == (Secret("new 1"), Secret("new 0", 1001), Secret("first", 1000))
    for number in range(9):
        secrets = rotated(secrets, f"more {number}", 2000)
    assert len(secrets) == MOST_SECRETS


def test_a_secret_is_long_and_never_the_same() -> None:
    assert make_secret() != make_secret()
    assert len(key_of(make_secret())) == 32


@pytest.mark.parametrize(
    "text",
    ["", PREFIX, PREFIX + "!!!!", PREFIX + base64.b64encode(b"x" * 23).decode(), base64.b64encode(b"x" * 24).decode()],
    ids=["nothing", "no bytes", "no base64", "too short", "no prefix"],
)
def test_what_is_no_secret_signs_nothing(text: str) -> None:
    with pytest.raises(ValueError, match="a secret is"):
        key_of(text)


def test_ten_tries_over_three_days() -> None:
    waits_s = [((next_try_ms(n, 0, 0.0)) or 0) / 1000 for n in range(1, 10)]
    assert waits_s == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert 3 * 86_400 < sum(RETRIES_MS) / 1000 < 3.5 * 86_400
    assert next_try_ms(10, 0, 0.0) is None


def test_chance_makes_a_retry_later_by_a_tenth_at_most_and_never_sooner() -> None:
    assert next_try_ms(2, 0, 0.0) == 300_000
    assert next_try_ms(2, 0, 0.999_999) in range(329_000, 330_001)
