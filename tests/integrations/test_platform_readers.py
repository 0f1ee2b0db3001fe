from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.integrations.platforms import bigbluebutton, janus, jitsi, livekit, openvidu
from gateway.integrations.platforms.events import EventFault, PlatformEvent, Read, What
from tests.integrations import platform_words as words
from tests.integrations.platform_words import ALIAS, HOOK, JANUS, NOW_MS, SECRET, VISITOR, Sent

READERS: dict[str, Read] = {
    "livekit": livekit.read,
    "bigbluebutton": bigbluebutton.read,
    "openvidu": openvidu.read,
    "jitsi": jitsi.read,
    "janus": janus.read,
}
KEYS = (b"an-older-secret-0123456789-0123456789", SECRET, JANUS)
NOW_S = NOW_MS // 1000


def told(kind: str, sent: Sent, keys: Sequence[bytes] = KEYS, now_ms: int = NOW_MS) -> list[PlatformEvent]:
    answer = READERS[kind](sent.headers, sent.url, sent.body, keys, now_ms)
    assert not isinstance(answer, EventFault), answer
    return list(answer)


def fault(kind: str, sent: Sent, keys: Sequence[bytes] = KEYS, now_ms: int = NOW_MS) -> EventFault:
    answer = READERS[kind](sent.headers, sent.url, sent.body, keys, now_ms)
    assert isinstance(answer, EventFault), answer
    return answer


GOOD: dict[str, tuple[str, Sent, What, str, str]] = {
    "livekit joined": ("livekit", words.livekit("participant_joined"), What.JOINED, "PA_4f2", ""),
    "livekit left": ("livekit", words.livekit("participant_left"), What.LEFT, "PA_4f2", ""),
    "livekit aborted": ("livekit", words.livekit("participant_connection_aborted"), What.LEFT, "PA_4f2", ""),
    "bigbluebutton joined": ("bigbluebutton", words.bigbluebutton("user-joined"), What.JOINED, "w_xfsb9gxtlfom", ""),
    "bigbluebutton left": ("bigbluebutton", words.bigbluebutton("user-left"), What.LEFT, "w_xfsb9gxtlfom", ""),
    "jitsi joined": ("jitsi", words.jitsi("muc-occupant-joined"), What.JOINED, "14f01c40", ""),
    "jitsi left": ("jitsi", words.jitsi("muc-occupant-left"), What.LEFT, "14f01c40", ""),
    "janus joined": ("janus", words.janus(words.janus_told("joined")), What.JOINED, "8155", "2004798115"),
}
ENDS: dict[str, tuple[str, Sent]] = {
    "livekit": ("livekit", words.livekit("room_finished")),
    "bigbluebutton": ("bigbluebutton", words.bigbluebutton("meeting-ended")),
    "openvidu": ("openvidu", words.openvidu("meetingEnded")),
    "jitsi": ("jitsi", words.jitsi("muc-room-destroyed")),
    "janus": ("janus", words.janus(words.janus_told("destroyed"))),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_platform_tells_who_came_and_who_went(name: str) -> None:
    kind, sent, what, participant, connection = GOOD[name]
    (event,) = told(kind, sent)
    assert (event.what, event.alias, event.visitor, event.at_ms) == (what, ALIAS, VISITOR, NOW_MS)
    assert (event.participant, event.connection) == (participant, connection)


@pytest.mark.parametrize("kind", ENDS)
def test_a_platform_tells_that_a_call_has_ended(kind: str) -> None:
    (event,) = told(*ENDS[kind])
    assert (event.what, event.alias, event.visitor, event.at_ms) == (What.ENDED, ALIAS, None, NOW_MS)


@pytest.mark.parametrize("event", ["leaving", "kicked", "left"])
def test_janus_does_not_say_who_left_but_which_participant(event: str) -> None:
    (event_,) = told("janus", words.janus(words.janus_told(event)))
    assert (event_.what, event_.visitor, event_.participant) == (What.LEFT, None, "8155")


def test_janus_groups_events_and_its_rooms_may_be_numbers() -> None:
    noise = {"type": 1, "timestamp": 1, "session_id": 2, "event": {"name": "created"}}
    published = words.janus_told("published")
    events = told(
        "janus", words.janus(noise, words.janus_told("joined", room=1234), published, words.janus_told("leaving"))
    )
    assert [(event.what, event.alias) for event in events] == [(What.JOINED, "1234"), (What.LEFT, ALIAS)]


def test_the_same_word_has_the_same_id_and_another_word_another() -> None:
    sent = [sent for _, sent, *_ in GOOD.values()] + [sent for _, sent in ENDS.values()]
    kinds = [kind for kind, *_ in GOOD.values()] + [kind for kind, _ in ENDS.values()]
    ids = [told(kind, each)[0].id for kind, each in zip(kinds, sent, strict=True)]
    assert ids == [told(kind, each)[0].id for kind, each in zip(kinds, sent, strict=True)]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", GOOD)
def test_nothing_is_believed_that_another_key_has_signed(name: str) -> None:
    kind, sent, *_ = GOOD[name]
    assert fault(kind, sent, [b"another-secret-0123456789-0123456789"]) is EventFault.FORGED
    assert fault(kind, sent, []) is EventFault.FORGED
    assert fault(kind, replace(sent, headers={}, url=HOOK)) is EventFault.FORGED


@pytest.mark.parametrize("name", ["livekit joined", "bigbluebutton joined"])
def test_nothing_is_believed_whose_body_was_changed(name: str) -> None:
    kind, sent, *_ = GOOD[name]
    assert fault(kind, replace(sent, body=sent.body.replace(ALIAS.encode(), b"another"))) is EventFault.FORGED


FORGED = {
    "livekit without a hash": ("livekit", words.livekit_signed(b"{}", sha256="")),
    "livekit expired": ("livekit", words.livekit_signed(b"{}", NOW_S - 600)),
    "livekit ahead of time": ("livekit", words.livekit_signed(b"{}", NOW_S + 600)),
    "livekit for ever": ("livekit", words.livekit_signed(b"{}", exp=None)),
    "livekit in letters": ("livekit", Sent({"authorization": "Bearer é.é.é"}, b"{}")),
    "a checksum of another address": (
        "bigbluebutton",
        replace(words.summed(b"a=b"), url="http://h/?checksum=" + "0" * 40),
    ),
    "an empty checksum": ("bigbluebutton", Sent({}, b"a=b", HOOK + "?checksum=")),
    "openvidu at another time": (
        "openvidu",
        replace(words.openvidu("meetingEnded"), headers={**words.openvidu("meetingEnded").headers, "x-timestamp": "1"}),
    ),
    "openvidu in letters": ("openvidu", Sent({"x-timestamp": "é", "x-signature": "é"}, b"{}")),
    "jitsi with basic": ("jitsi", Sent({"authorization": "Basic " + SECRET.decode()}, b"{}")),
    "janus with half a key": ("janus", Sent({"authorization": "Basic amFudXM6"}, b"{}")),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_request_says_nothing(name: str) -> None:
    assert fault(*FORGED[name]) is EventFault.FORGED


UNREADABLE = {
    "livekit no json": ("livekit", words.livekit_signed(b"{")),
    "livekit a list": ("livekit", words.livekit_signed(b"[]")),
    "livekit without instant": ("livekit", words.livekit("participant_joined", createdAt="soon")),
    "livekit without room": ("livekit", words.livekit("room_finished", room={})),
    "livekit without stay": ("livekit", words.livekit("participant_joined", sid="")),
    "livekit with a name without end": ("livekit", words.livekit("participant_joined", room={"name": "x" * 257})),
    "bigbluebutton no form": ("bigbluebutton", words.summed(b"=&=")),
    "bigbluebutton many fields": ("bigbluebutton", words.summed(b"&".join([b"a=b"] * 9))),
    "bigbluebutton no list": ("bigbluebutton", words.summed(urlencode({"event": "{}"}).encode())),
    "bigbluebutton no letters": ("bigbluebutton", words.summed(b"event=\xff")),
    "bigbluebutton without stay": ("bigbluebutton", words.bigbluebutton("user-joined", user="")),
    "jitsi no json": ("jitsi", Sent({"authorization": f"Bearer {SECRET.decode()}"}, b"")),
    "jitsi without room": ("jitsi", words.jitsi("muc-occupant-joined", room_name=None)),
    "jitsi without stay": ("jitsi", words.jitsi("muc-occupant-joined", jid="")),
    "janus a number": ("janus", Sent({"authorization": f"Bearer {SECRET.decode()}"}, b"7")),
    "janus nested without end": (
        "janus",
        Sent({"authorization": f"Bearer {SECRET.decode()}"}, b"[" * 100_000),
    ),
    "janus without stay": ("janus", words.janus(words.janus_told("joined", user=1 << 70))),
    "janus with a stay that no text can hold": ("janus", words.janus(words.janus_told("joined", user="\ud800"))),
    "janus at no instant": ("janus", words.janus({**words.janus_told("joined"), "timestamp": 10**400})),
    "jitsi of two texts in one": ("jitsi", words.jitsi("muc-occupant-joined", room_name=f"{ALIAS}\x1f7")),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_no_such_platform_sends_is_unreadable(name: str) -> None:
    assert fault(*UNREADABLE[name]) is EventFault.UNREADABLE


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("livekit", words.livekit("track_published")),
        ("bigbluebutton", words.bigbluebutton("user-audio-muted")),
        ("openvidu", words.openvidu("meetingStarted")),
        ("jitsi", words.jitsi("muc-room-created")),
        ("jitsi", words.jitsi("muc-room-destroyed", is_breakout=True)),
        ("janus", words.janus(words.janus_told("published"))),
    ],
)
def test_what_has_no_meaning_here_is_left_out(kind: str, sent: Sent) -> None:
    assert told(kind, sent) == []


@pytest.mark.parametrize("identity", ["ben", "g_short", "g_0123456789abcdEF7", "g_0123456789abcdE.", ""])
def test_whoever_the_gateway_did_not_send_is_no_visitor(identity: str) -> None:
    (event,) = told("livekit", words.livekit("participant_joined", words.Who(identity)))
    assert event.visitor is None


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("url", [HOOK, HOOK + "?from=bbb"])
def test_bigbluebutton_sums_up_with_any_of_its_algorithms(algorithm: str, url: str) -> None:
    body = words.bigbluebutton("user-joined").body
    (event,) = told("bigbluebutton", words.summed(body, algorithm, url))
    assert event.visitor == VISITOR


def test_bigbluebuttons_secret_may_come_as_a_token() -> None:
    body = words.bigbluebutton("user-joined").body
    (event,) = told("bigbluebutton", Sent({"authorization": f"Bearer {SECRET.decode()}"}, body))
    assert event.visitor == VISITOR


def test_a_jitsi_room_of_a_tenant_is_known_by_its_own_name() -> None:
    (event,) = told("jitsi", words.jitsi("muc-occupant-joined", room_name=f"[sunrise]{ALIAS}"))
    assert event.alias == ALIAS


def test_a_stay_in_a_breakout_room_is_another_than_in_the_main_room() -> None:
    (main,) = told("jitsi", words.jitsi("muc-occupant-left"))
    (side,) = told("jitsi", words.jitsi("muc-occupant-joined", is_breakout=True, breakout_room_id="b7"))
    assert (main.alias, main.participant) == (side.alias, side.participant.removesuffix(".b7"))
    assert main.participant != side.participant


@given(body=st.binary(max_size=200), key=st.sampled_from([SECRET, JANUS]))
@pytest.mark.parametrize("kind", READERS)
def test_any_bytes_are_read_or_refused(kind: str, body: bytes, key: bytes) -> None:
    signers: dict[str, Callable[[bytes], Sent]] = {
        "livekit": words.livekit_signed,
        "bigbluebutton": words.summed,
        "openvidu": lambda body: replace(words.openvidu("meetingEnded"), body=body),
    }
    bearer = Sent({"authorization": f"Bearer {key.decode()}"}, body)
    sent = signers[kind](body) if kind in signers else bearer
    answer = READERS[kind](sent.headers, sent.url, sent.body, KEYS, NOW_MS)
    assert isinstance(answer, EventFault) or not answer
