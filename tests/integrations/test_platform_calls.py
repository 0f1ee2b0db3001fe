"""What is asked of platforms: filled in, signed, sent, and what its answers say."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from gateway.config import Config
from gateway.edge.platform_client import PlatformClient
from gateway.integrations.platforms.answers import find_values
from gateway.integrations.platforms.calls import Named, PlatformCalls
from gateway.integrations.platforms.prepared import prepared_calls
from rules.templates import Unfilled

KEY = "a key of the platform's, long enough 0001"
JSON = {"Content-Type": "application/json"}
FACTS = {"alias": "r00m", "visitor": "g_1", "name": 'A "quoted" & <named> guest'}


def config(*calls: Mapping[str, Any], **identity: Any) -> Config:
    """A configuration with these calls."""
    return Config.model_validate({"identity": {"keys": [KEY], **identity}, "platform": {"calls": calls}})


def rendered(call: Mapping[str, Any], facts: Mapping[str, str] = FACTS, **identity: Any) -> Any:
    """The request that a call comes to."""
    (prepared,) = prepared_calls(config(call, **identity), lambda: time.time_ns() // 1_000_000)
    return prepared.render(facts)


def test_each_fact_is_written_so_that_it_stays_one() -> None:
    """In the address, in headers and in the body, by its type."""
    call = {"on": "remove", "url": "http://p/kick/{name}?who={visitor}", "headers": {**JSON, "X-Room": "{alias}"}}
    request = rendered({**call, "body": '{"name": "{name}"}'})
    assert request.url == "http://p/kick/A%20%22quoted%22%20%26%20%3Cnamed%3E%20guest?who=g_1"
    assert request.headers == {**JSON, "X-Room": "r00m"}
    assert b'\\"quoted\\"' in request.body
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    request = rendered({**call, "headers": form, "body": "name={name}"})
    assert parse_qs(request.body.decode()) == {"name": [FACTS["name"]]}


def test_what_is_not_known_is_not_sent() -> None:
    """A call without its facts would be about somebody else."""
    with pytest.raises(Unfilled):
        rendered({"on": "remove", "url": "http://p/kick/{participant}"})


def test_a_call_that_is_not_signed_may_say_its_key() -> None:
    """Its newest, as APIs want it that are asked with a key; without one of its own that of an asked platform."""
    call = {"on": "end", "method": "DELETE", "url": "http://p/rooms", "headers": {"x-api-key": "{key}"}}
    assert rendered({**call, "keys": ["an older key", "the key"]}).headers == {"x-api-key": "the key"}
    assert rendered(call, kind="api-call").headers == {"x-api-key": KEY}
    with pytest.raises(Unfilled):
        rendered(call, kind="jwt")


def test_a_bearer_token_says_the_operators_claims_for_a_minute() -> None:
    """LiveKit's RoomService, verified by another library as LiveKit does."""
    claims = {"video": {"roomAdmin": True, "room": "{alias}"}}
    call = {"on": "remove", "url": "http://p/x", "sign": "jwt", "claims": claims}
    request = rendered(call, kind="jwt", issuer="APIkey", audience="livekit")
    scheme, _, token = request.headers["Authorization"].partition(" ")
    said = jwt.decode(token, KEY, algorithms=["HS256"], audience="livekit", issuer="APIkey")
    assert scheme == "Bearer"
    assert said["video"] == {"roomAdmin": True, "room": "r00m"}
    assert 0 < said["exp"] - time.time() <= 61


def test_a_call_with_keys_of_its_own_is_signed_with_those() -> None:
    """And with nobody else's."""
    own = "another key of the platform's, long enough"
    request = rendered({"on": "end", "url": "http://p/x", "sign": "jwt", "keys": [own]}, kind="jwt")
    token = request.headers["Authorization"].removeprefix("Bearer ")
    assert jwt.decode(token, own, algorithms=["HS256"], audience="platform")
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, KEY, algorithms=["HS256"], audience="platform")


def test_a_checksum_covers_the_call_and_its_query_as_bigbluebutton_has_it() -> None:
    """The documentation's own example of a `create` call."""
    secret = "639259d4-9dd8-4b25-bf01-95f9567eaf4b"
    query = "name=Test+Meeting&meetingID=abc123&attendeePW=111222&moderatorPW=333444"
    call = {"on": "open", "method": "GET", "url": f"http://p/bigbluebutton/api/create?{query}", "sign": "checksum"}
    signed: dict[str, Any] = {"kind": "signed-url", "carrier": "redirect", "algorithm": "SHA1", "location": "/x"}
    request = rendered({**call, "keys": [secret]}, **signed)
    assert request.url.endswith("&checksum=1fcbb0c4fc1f039f73aa6d697d2db9ba7f803f17")
    request = rendered({**call, "url": "http://p/bigbluebutton/api/getMeetings", "keys": [secret]})
    expected = hashlib.sha256(f"getMeetings{secret}".encode()).hexdigest()
    assert urlsplit(request.url).query == f"checksum={expected}"


@pytest.mark.parametrize(
    ("places", "text", "expected"),
    [
        ({"sid": "/room/sid"}, '{"room": {"sid": "RM_1"}}', {"sid": "RM_1"}),
        ({"sid": "/rooms/1/sid"}, '{"rooms": [{}, {"sid": 7}]}', {"sid": "7"}),
        ({"made": "createTime"}, "<response><createTime>1531</createTime></response>", {"made": "1531"}),
        ({"name": "n"}, "<n>a &amp; b</n>", {"name": "a & b"}),
        ({"sid": "/room/sid"}, "<html>", {}),
        ({"sid": "/room"}, '{"room": {"sid": 1}}', {}),
        ({"sid": "/rooms/x"}, '{"rooms": []}', {}),
        ({"made": "createTime"}, "<response/>", {}),
        ({"sid": "/sid"}, '{"sid": "\\ud800"}', {}),
        ({"sid": "/sid"}, '{"sid": "a\\r\\nb"}', {}),
    ],
)
def test_what_is_looked_for_is_found_or_not(places: dict[str, str], text: str, expected: dict[str, str]) -> None:
    """Under a JSON pointer or in an XML element; of the wrong shape it is not found."""
    assert find_values(places, text) == expected


def calls_of(client: PlatformClient, counted: list[tuple[str, str]], *calls: Mapping[str, Any]) -> PlatformCalls:
    prepared = prepared_calls(config(*calls), lambda: time.time_ns() // 1_000_000)
    return PlatformCalls(lambda: prepared, client, lambda *what: counted.append(what))


async def test_calls_are_made_in_their_order_for_every_name_that_is_known(api, client):
    counted: list[tuple[str, str]] = []
    calls = calls_of(
        client,
        counted,
        {"on": "remove", "url": f"{api.url}/kick/{{participant}}"},
        {"on": "remove", "url": f"{api.url}/destroy/{{connection}}", "each": "connection"},
        {"on": "end", "url": f"{api.url}/end"},
    )
    result = await calls.make("remove", FACTS, [Named(("p1", "p2"), ("c1", "c2"))])
    assert (result.done, result.made) == (True, 4)
    assert sorted(api.paths()[:2]) == ["/kick/p1", "/kick/p2"]
    assert sorted(api.paths()[2:]) == ["/destroy/c1", "/destroy/c2"]
    assert counted == [("remove", "done")] * 4
    assert (await calls.make("remove", FACTS, [Named()])).made == 0, "nobody whom the platform is known to know"


async def test_what_fails_does_not_keep_the_next_call_from_being_made(api, client):
    counted: list[tuple[str, str]] = []
    api.always["/a"] = 500
    calls = calls_of(client, counted, {"on": "remove", "url": f"{api.url}/a"}, {"on": "remove", "url": f"{api.url}/b"})
    assert not (await calls.make("remove", FACTS)).done
    assert api.paths() == ["/a", "/b"]
    assert counted == [("remove", "refused"), ("remove", "done")]


async def test_an_answer_that_lacks_what_is_looked_for_opens_nothing(api, client):
    counted: list[tuple[str, str]] = []
    opens = {"on": "open", "url": f"{api.url}/create", "find": {"sid": "/sid"}}
    calls = calls_of(client, counted, opens, {"on": "open", "url": f"{api.url}/then"})
    api.script["/create"].extend(("{}", '{"sid": "s1"}'))
    assert not (await calls.make("open", FACTS)).done
    assert api.paths() == ["/create"], "what follows rests on it"
    result = await calls.make("open", FACTS)
    assert (result.done, result.found) == (True, {"sid": "s1"})


async def test_a_status_that_the_operator_calls_good_is(api, client):
    counted: list[tuple[str, str]] = []
    api.always["/kick"] = 404
    call = {"on": "remove", "url": f"{api.url}/kick", "good": [200, 404]}
    assert (await calls_of(client, counted, call).make("remove", FACTS)).done
