"""What is wrong with how the platform learns who comes: name -> the file, the key, what is said."""

from __future__ import annotations

from tests.gateway.faulty.sections import KEY
from tests.gateway.faulty.upstream import CALL

MINT = CALL + '[[routes]]\npath = "/token"\nclass = "mint"\nbinds = "unbound"\n'
SENT = f'[identity]\nkind = "jwt"\ncarrier = "redirect"\nkeys = ["{KEY}"]\n'
ASKED = '[identity]\nkind = "api-call"\ncarrier = "redirect"\n'

IDENTITY: dict[str, tuple[str, str, str]] = {
    "carrier of no kind": ('[identity]\ncarrier = "query"', "identity.carrier", 'must be "header"'),
    "keys shared": (
        f'[secrets]\nkeys = ["{KEY}"]\n[identity]\nkeys = ["{KEY}"]',
        "identity.keys",
        "must be other keys",
    ),
    "algorithm of another kind": (
        f'[identity]\nkind = "jwt"\nkeys = ["{KEY}"]\nalgorithm = "SHA1"',
        "identity.algorithm",
        'must be "HS256" or "RS256" or "EdDSA" when identity.kind is "jwt"',
    ),
    "keys where private ones are needed": (
        f'[identity]\nkind = "jwt"\nkeys = ["{KEY}"]\nalgorithm = "EdDSA"',
        "identity.key_file",
        "it holds the private keys (PEM)",
    ),
    "an unknown field, deep in the claims": (
        "[identity]\nclaims = { context = { user = [{ id = '{visitr}' }] } }",
        "identity.claims.context.user[0].id",
        "{visitr} is no field here; known are {visitor}, {name}",
    ),
    "a claim of one role": ("[identity]\nhost_claims = { a = '{rank}' }", "identity.host_claims.a", "is no field"),
    "an end of one's own": ("[identity]\nclaims = { exp = 1 }", "identity.claims.exp", "is set by the gateway"),
    "a room's token of a kind that has none": (
        '[identity]\nroom_realm = "janus.plugin.videoroom"',
        "identity.room_realm",
        "is for hmac-token",
    ),
    "a room's token that names a person": (
        '[identity]\nkind = "hmac-token"\nplugins = ["a"]\nroom_opens = "room={name}"',
        "identity.room_opens",
        "{name} is no field here",
    ),
    "a token that opens nothing": ('[identity]\nkind = "hmac-token"', "identity.plugins", "must name what"),
    "a comma in what a token opens": (
        '[identity]\nkind = "hmac-token"\nplugins = ["a,b"]',
        "identity.plugins",
        "a comma or a colon",
    ),
    "sent nowhere": (SENT, "identity.location", "must be where people are sent"),
    "sent elsewhere": (
        SENT + 'location = "//evil.example/{credential}"',
        "identity.location",
        "a path of this gateway",
    ),
    "sent without a word": (SENT + 'location = "/g/{alias}"', "identity.location", "must hold {credential}"),
    "sent with a word too many": (
        SENT + 'location = "/g/?t={credential}&x={colour}"',
        "identity.location",
        "{colour} is no field here",
    ),
    "sent in circles by a slash": (
        SENT.replace("jwt", "signed-url") + 'location = "/Call/{alias}/?n={name}"',
        "identity.location",
        "is the entry itself, which would send people there for ever",
    ),
    "a token where the request's framing stands": (
        f'[identity]\nkind = "jwt"\ncarrier = "header"\nkeys = ["{KEY}"]\nname = "Content_Length"',
        "identity.name",
        "is the gateway's own matter already",
    ),
    "a token for a cookie": (
        f'[identity]\nkind = "jwt"\ncarrier = "header"\nkeys = ["{KEY}"]\nname = "Cookie"',
        "identity.name",
        "is the gateway's own matter already",
    ),
    "sent in circles": (
        SENT + 'location = "/call/{alias}#{credential}"',
        "identity.location",
        "is the entry itself, which would send people there for ever",
    ),
    "asked nobody": (ASKED, "identity.call.url", "is missing: where the platform is asked"),
    "asked whomever": (
        ASKED + '[identity.call]\nurl = "http://{alias}.example/join"',
        "identity.call.url",
        "never in its host",
    ),
    "asked in two lines": (
        ASKED + '[identity.call]\nheaders = { A = "b\\nc" }',
        "identity.call.headers.A",
        "must be one line",
    ),
    "asked for nothing": (ASKED, "identity.call.find.guest", "is missing: where in the answer"),
    "asked about nobody": (ASKED + '[identity.call]\nbody = \'{"a":"{aliass}"}\'', "identity.call.body", "{aliass}"),
    "asked in vain": (
        ASKED + "[identity.call]\nheaders = { x-room = '{rooom}' }",
        "identity.call.headers.x-room",
        "{rooom}",
    ),
    "found nowhere": (ASKED + '[identity.call.find]\nhost = "join"', "identity.call.find.host", "a JSON pointer"),
    "a credential of no kind": (
        CALL + '[[routes]]\npath = "/s"\nclass = "signal"\nbinds = "credential:query:jwt:room"',
        "routes[1].binds",
        'needs identity.kind = "jwt"',
    ),
    "minted by no route": (
        f'[identity]\nkind = "jwt"\ncarrier = "mint"\nkeys = ["{KEY}"]',
        "identity.carrier",
        'no route of class "mint" has an answer with {credential}',
    ),
    "minted without an answer": (MINT, "routes[1].answer", "the gateway answers this address itself"),
    "minted with a word too many": (MINT + "answer = '{colour}'", "routes[1].answer", "{colour} is no field here"),
    "minted a token that is none": (MINT + "answer = '{credential}'", "routes[1].answer", "{credential} is no field"),
    "minted a page": (
        MINT + "answer = '{name}'\nanswer_type = 'text/html'",
        "routes[1].answer_type",
        "must be JSON, a script or plain text",
    ),
    "no identity key file": ('[identity]\nkey_file = "absent"', "identity.key_file", "cannot be read: No such file"),
}
