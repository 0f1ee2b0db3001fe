"""Credentials, verified by independent code that follows what each platform documents."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from gateway.signing import Credentials, UnfitKey, checksum
from rules.bindings import Candidate
from rules.credentials import Terms, facts_of
from rules.model import DoorKind, Role
from rules.templates import Unfilled

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
NOW_S = 1_800_000_000
GUEST = Candidate("0a", "room1", "sunrise", "dr-lee", Role.GUEST)
HOST = Candidate("0a", "room1", "sunrise", "dr-lee", Role.HOST)


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.fixture(scope="module")
def rsa_keys() -> list[bytes]:
    return [pem(rsa.generate_private_key(65537, 2048)) for _ in range(2)]


class Clock:
    now_s: float = NOW_S

    def __call__(self) -> int:
        return round(self.now_s * 1000)


def made(
    terms: Terms, *keys: bytes, door: Candidate = GUEST, name: str = "Zoë", kind: str = "jwt", **given: Any
) -> str:
    credentials = Credentials(kind, given.pop("algorithm", "HS256"), keys, terms, now_ms=Clock(), **given)
    return credentials.make(door.role, facts_of(terms, door, "v1", name, DoorKind.ROOM), None)


def verified(token: str, key: Any, **rules: Any) -> dict[str, Any]:
    """As PyJWT verifies it, at our instant: everything but the clock is its own."""
    rules.setdefault("options", {})
    claims = pyjwt.decode(
        token,
        key,
        algorithms=rules.pop("algorithms", ["HS256"]),
        **rules
        | {
            "options": {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
            | rules["options"]
        },
    )
    assert claims["nbf"] <= claims["iat"] <= NOW_S < claims["exp"]
    return claims


# --- what each platform documents -----------------------------------------------------------------------------------
@pytest.mark.parametrize(("door", "is_admin"), [(GUEST, False), (HOST, True)])
def test_livekit_takes_the_token_for_what_its_grants_say(door: Candidate, is_admin: bool):
    # https://docs.livekit.io/home/get-started/authentication/: HS256, iss the API key, sub the identity, video grants
    terms = Terms(
        issuer="APIkey",
        claims={"name": "{name}", "video": {"room": "{alias}", "roomJoin": True, "canPublish": True}},
        own_claims={Role.HOST: {"video": {"roomAdmin": True}}},
    )
    claims = verified(made(terms, NEW, door=door), NEW, issuer="APIkey", options={"require": ["exp", "sub", "nbf"]})
    assert (claims["sub"], claims["name"]) == ("v1", "Zoë")
    assert claims["video"].get("roomAdmin", False) is is_admin
    assert claims["video"]["room"] == "room1"
    assert claims["video"]["roomJoin"] is True


@pytest.mark.parametrize("algorithm", ["HS256", "RS256"])
def test_jitsi_takes_the_token_for_its_tenant_and_room(algorithm: str, rsa_keys: list[bytes]):
    # lib-jitsi-meet doc/tokens.md: iss and aud as configured, sub the domain, room, context.user
    user = {"id": "{visitor}", "name": "{name}", "affiliation": "member"}
    terms = Terms(
        issuer="gateway",
        audience="jitsi",
        claims={"sub": "meet.example.org", "room": "{alias}", "context": {"user": user}},
        own_claims={Role.HOST: {"context": {"user": {"affiliation": "owner"}}}},
    )
    keys = [NEW] if algorithm == "HS256" else rsa_keys
    token = made(terms, *keys, door=HOST, algorithm=algorithm)
    public: Any = NEW
    if algorithm == "RS256":  # asap_key_server: the key at SHA-256 of the kid, as PEM
        asap = hashlib.sha256(pyjwt.get_unverified_header(token)["kid"].encode()).hexdigest()
        public = Credentials("jwt", "RS256", keys, terms).public_pem(asap)
    rules = {"issuer": "gateway", "audience": "jitsi", "options": {"verify_aud": True, "require": ["exp", "room"]}}
    claims = verified(token, public, algorithms=[algorithm], **rules)
    assert (claims["sub"], claims["room"]) == ("meet.example.org", "room1")
    assert claims["context"]["user"] == {"id": "v1", "name": "Zoë", "affiliation": "owner"}
    assert Credentials("jwt", algorithm, keys, terms).public_pem("0" * 64) is None


def test_galene_takes_the_token_for_its_group_and_permissions():
    # galene.md, "Authorisation servers": sub the user, aud the group's URL, permissions an array
    terms = Terms(
        audience="platform",
        claims={"sub": "{name}", "aud": "https://v.example.org/group/{alias}/", "permissions": ["present"]},
        own_claims={Role.HOST: {"permissions": ["op", "present"]}},
    )
    rules = {"audience": "https://v.example.org/group/room1/", "options": {"verify_aud": True, "require": ["exp"]}}
    key = pyjwt.PyJWK({"kty": "oct", "k": base64.urlsafe_b64encode(NEW).decode().rstrip("="), "alg": "HS256"})
    assert verified(made(terms, NEW), key, **rules)["permissions"] == ["present"]
    host = verified(made(terms, NEW, door=HOST), key, **rules)
    assert (host["sub"], host["permissions"]) == ("Zoë", ["op", "present"])


@pytest.mark.parametrize("algorithm", ["RS256", "EdDSA"])
def test_anybody_can_verify_with_the_published_keys_alone_across_a_change_of_keys(
    algorithm: str, rsa_keys: list[bytes]
):
    keys = rsa_keys if algorithm == "RS256" else [pem(ed25519.Ed25519PrivateKey.generate()) for _ in range(2)]
    published = json.loads(json.dumps(Credentials("jwt", algorithm, keys, Terms()).published()))
    assert len(published["keys"]) == 2
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & {name for key in published["keys"] for name in key}
    jwks = pyjwt.PyJWKSet.from_dict(published)
    for newest, signing in enumerate((keys[:1], keys)):  # before the change, and after
        token = made(Terms(issuer="gateway"), *signing, algorithm=algorithm)
        key_id = pyjwt.get_unverified_header(token)["kid"]
        assert key_id == published["keys"][newest]["kid"]
        assert verified(token, jwks[key_id], algorithms=[algorithm], issuer="gateway")["sub"] == "v1"


def test_a_key_that_has_a_name_signs_under_it_and_secrets_are_published_under_none(rsa_keys: list[bytes]):
    named = made(Terms(), rsa_keys[0], algorithm="RS256", key_id="vpaas-magic/1")
    assert pyjwt.get_unverified_header(named) == {"typ": "JWT", "alg": "RS256", "kid": "vpaas-magic/1"}
    assert pyjwt.get_unverified_header(made(Terms(), NEW)) == {"typ": "JWT", "alg": "HS256"}
    secret = Credentials("jwt", "HS256", [NEW], Terms(), key_id="a")
    assert secret.published() == {"keys": []}
    assert secret.public_pem(hashlib.sha256(b"a").hexdigest()) is None


def test_janus_reads_the_token_as_its_auth_c_does():
    # janus-gateway auth.c, janus_auth_check_signature: "data:base64(hmac-sha1)", data "expiry,realm,plugin..."
    token = made(Terms(plugins=("janus.plugin.videoroom",)), OLD, NEW, kind="hmac-token", algorithm="SHA1")
    data, signature = token.split(":")
    expiry, realm, *plugins = data.split(",")
    assert (int(expiry) > NOW_S, realm, plugins) == (True, "janus", ["janus.plugin.videoroom"])
    assert base64.b64decode(signature) == hmac.new(NEW, data.encode(), hashlib.sha1).digest()


def test_a_room_of_janus_reads_its_token_as_its_auth_c_does():
    # janus_auth_check_signature_contains, asked by janus_videoroom.c: realm the plugin's package, descriptor "room=ID"
    terms = Terms(plugins=("a",), room_realm="janus.plugin.videoroom", room_opens="room={number}")
    facts = {"number": "17"}
    credentials = Credentials("hmac-token", "SHA1", [OLD, NEW], terms)
    data, signature = credentials.make_room(facts, None).split(":")
    expiry, realm, *opens = data.split(",")
    assert (int(expiry) > 0, realm, opens) == (True, "janus.plugin.videoroom", ["room=17"])
    assert base64.b64decode(signature) == hmac.new(NEW, data.encode(), hashlib.sha1).digest()
    assert not Credentials("hmac-token", "SHA1", [NEW], Terms(plugins=("a",))).make_room(facts, None)


# The example of docs.bigbluebutton.org/development/api, "Usage", and the same by SHA-256 as OpenOLAT's tests have it;
# the third: a join, as a client that tests itself against that page has it.
CREATE = "name=Test+Meeting&meetingID=abc123&attendeePW=111222&moderatorPW=333444"
JOIN = "fullName=User&meetingID=My+Meeting&password=password&redirect=true"
BBB = [
    ("create", CREATE, "SHA1", "1fcbb0c4fc1f039f73aa6d697d2db9ba7f803f17"),
    ("create", CREATE, "SHA256", "da9185f7f333cfdfcd6eeac32dca3777510c4c436020d8b887ba5515bd1d189e"),
    ("join", JOIN, "SHA1", "d7fdddda59b530a5acb56e77d5683c4324ceac4f"),
]


@pytest.mark.parametrize(("call", "query", "algorithm", "documented"), BBB)
def test_bigbluebutton_finds_the_checksum_that_it_documents(call: str, query: str, algorithm: str, documented: str):
    secret = b"639259d4-9dd8-4b25-bf01-95f9567eaf4b"
    signed = Credentials("signed-url", algorithm, [OLD, secret], Terms())
    location = f"/bigbluebutton/api/{call}?{query}"
    assert signed.signed_location(location) == f"{location}&checksum={documented}"
    assert checksum(call + query, secret, algorithm) == documented


# --- what is recognised again ---------------------------------------------------------------------------------------
def theirs(credentials: Credentials, token: str, door: Candidate = GUEST, name: str = "Zoë", who: str = "v1") -> bool:
    return credentials.is_theirs(token, door.role, facts_of(credentials.terms, door, who, name, DoorKind.ROOM))


@pytest.mark.parametrize(("kind", "algorithm"), [("jwt", "HS256"), ("hmac-token", "SHA1")])
def test_a_token_is_reused_for_a_third_of_its_life_and_recognised_for_two(kind: str, algorithm: str):
    now, terms = Clock(), Terms(plugins=("a",), claims={"name": "{name}"})
    credentials = Credentials(kind, algorithm, [NEW], terms, now_ms=now)
    facts = facts_of(terms, GUEST, "v1", "Zoë", DoorKind.ROOM)
    token = credentials.make(Role.GUEST, facts, None)
    now.now_s += 19.9
    assert credentials.make(Role.GUEST, facts, None) == token
    now.now_s += 0.1
    assert credentials.make(Role.GUEST, facts, None) != token
    now.now_s += 20
    assert theirs(credentials, token)
    now.now_s += 0.1
    assert not theirs(credentials, token)


def test_a_token_of_somebody_else_or_from_before_a_change_is_not_theirs():
    terms = Terms(claims={"name": "{name}", "role": "{role}", "room": "{alias}"})
    credentials = Credentials("jwt", "HS256", [NEW], terms, now_ms=Clock())
    token = made(terms, NEW)
    assert theirs(credentials, token)
    assert not theirs(credentials, token, who="v2")
    assert not theirs(credentials, token, name="Zoe")
    assert not theirs(credentials, token, HOST)
    assert not theirs(credentials, token, Candidate("0b", "room2", "sunrise", "dr-lee", Role.GUEST))
    assert not theirs(credentials, made(terms, OTHER))
    assert not theirs(credentials, "")


@pytest.mark.parametrize(("algorithm", "key"), [("SHA1", OTHER), ("SHA256", NEW)])
def test_an_hmac_token_of_another_key_or_algorithm_is_not_ours(algorithm: str, key: bytes):
    terms = Terms(plugins=("a",))
    credentials = Credentials("hmac-token", "SHA1", [OLD, NEW], terms, now_ms=Clock())
    assert theirs(credentials, made(terms, OLD, kind="hmac-token", algorithm="SHA1"))
    assert not theirs(credentials, made(terms, key, kind="hmac-token", algorithm=algorithm))
    assert not theirs(credentials, "a,janus,a:é")


def forged(claims: dict[str, Any], key: Any = NEW, algorithm: str = "HS256") -> str:
    return pyjwt.encode(claims, key, algorithm)


LATER = {"exp": NOW_S + 60, "room": "room1", "sub": "v1"}


@pytest.mark.parametrize(
    ("token", "said"),
    [
        pytest.param(forged(LATER), ("v1", "room1"), id="good"),
        pytest.param(forged(LATER, OLD), ("v1", "room1"), id="of an older key"),
        pytest.param(forged(LATER, OTHER), None, id="of another key"),
        pytest.param(forged(LATER, None, "none"), None, id="unsigned"),
        pytest.param(forged(LATER, NEW * 2, "HS512"), None, id="of another algorithm"),
        pytest.param(forged(LATER | {"exp": NOW_S}), None, id="ended"),
        pytest.param(forged(LATER | {"nbf": NOW_S + 1}), None, id="not begun"),
        pytest.param(forged({"room": "room1"}), None, id="without end"),
        pytest.param(forged(LATER)[:-2] + "AA", None, id="damaged"),
        pytest.param("x" * 10_000, None, id="too long"),
        pytest.param("a.b.c", None, id="no token"),
        pytest.param("é.é.é", None, id="not ASCII"),
        pytest.param("eyJhbGciOiJIUzI1NiIsImNyaXQiOjV9.e30.eA", None, id="with a header that is no header"),
    ],
)
def test_a_claim_is_believed_only_of_a_token_that_is_ours_and_good_now(token: str, said: tuple[str, str] | None):
    credentials = Credentials("jwt", "HS256", [OLD, NEW], Terms(), now_ms=Clock())
    assert credentials.claim(token, "room") == said
    assert credentials.claim(token, "room") == said  # and when it is looked up again
    assert credentials.claim(token, "colour") is None


def test_a_token_is_not_made_of_facts_that_are_not_there():
    with pytest.raises(Unfilled, match=r"found\.id"):
        made(Terms(claims={"a": "{found.id}"}), NEW)


# --- keys -----------------------------------------------------------------------------------------------------------
def test_keys_that_cannot_sign_are_refused_by_their_number(rsa_keys: list[bytes]):
    small = pem(rsa.generate_private_key(65537, 1024))
    edwards = pem(ed25519.Ed25519PrivateKey.generate())
    for algorithm, keys, reason in (
        ("RS256", [rsa_keys[0], small], "key 2 is not safe: Key size should be >= 2048 bits"),
        ("RS256", [edwards], "key 1 is no private key for RS256"),
        ("EdDSA", [rsa_keys[0]], "key 1 is no private key for EdDSA"),
        ("RS256", [b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"], "key 1 is no private key"),
    ):
        with pytest.raises(UnfitKey, match=reason):
            Credentials("jwt", algorithm, keys, Terms())
