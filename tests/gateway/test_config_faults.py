from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.config import ConfigFaults, load

KEY = "k" * 32
OTHER_KEY = "i" * 32


def faults(text: str, tmp_path: Path, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The faults of a file with this text: key -> what is printed of it."""
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigFaults) as caught:
        load(path, environ or {})
    assert str(caught.value).splitlines() == [str(fault) for fault in caught.value.faults]
    found = caught.value.faults
    return {fault.key: "\n".join(str(each) for each in found if each.key == fault.key) for fault in found}


# --- faults ---------------------------------------------------------------------------------------------------
def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = """
        colour = "red"
        [server]
        public = "nowhere"
        pubic_url = "https://x.example"
        drain_max_s = -1
        [presence]
        ttl_s = 15
        [[routes]]
        path = "/a"
        clas = "asset"
        [identity]
        kind = "jwt"
    """
    assert faults(text, tmp_path) == {
        "colour": "colour: unknown key",
        "identity.keys": "identity.keys: is missing: the key that the platform checks with",
        "presence.ttl_s": "presence.ttl_s = 15: must be at least twice presence.heartbeat_s",
        "routes[0].clas": "routes[0].clas: unknown key; did you mean class?",
        "routes[0].class": "routes[0].class: is missing",
        "server.drain_max_s": "server.drain_max_s = -1: must be at least 0",
        "server.public": 'server.public = "nowhere": must be host:port, unix:/path or fd:NUMBER',
        "server.pubic_url": "server.pubic_url: unknown key; did you mean public_url?",
    }


CALL = '[[routes]]\npath = "/call/{alias}"\nclass = "entry"\nbinds = "path"\n'
HALAXY = '[halaxy]\nbase_url = "https://h.example/main"\n'
PROBE = '[[platform.probes]]\nname = "a"\nurl = "http://h/"\n'
MINT = CALL + '[[routes]]\npath = "/token"\nclass = "mint"\nbinds = "unbound"\n'
SENT = f'[identity]\nkind = "jwt"\ncarrier = "redirect"\nkeys = ["{KEY}"]\n'
ASKED = '[identity]\nkind = "api-call"\ncarrier = "redirect"\n'


def called(rest: str) -> str:
    return f'[[platform.calls]]\nurl = "http://h/"\n{rest}\n'


FAULTS: dict[str, tuple[str, str, str]] = {
    # name: the file, the key, what is said
    "no port": ('[server]\npublic = "localhost"', "server.public", '"localhost": must be host:port, unix'),
    "a table for a text": ("[server.public]\nport = 1", "server.public", "{...}: must be text in quotes"),
    "no host": ('[server]\npublic = ":80"', "server.public", "must be host:port"),
    "a trail shorter than retries": ("[webhooks]\nretention_days = 3", "webhooks.retention_days", "must be at least 4"),
    "no network": ('[webhooks]\nallow_networks = ["home"]', "webhooks.allow_networks[0]", '"home": must be'),
    "halaxy without credentials": (HALAXY, "halaxy.client_secret", "is missing: halaxy.base_url is given"),
    "halaxy at no address": ('[halaxy]\nbase_url = "au-api.halaxy.com"', "halaxy.base_url", "must be a URL such as"),
    "halaxy without http": ('[halaxy]\nbase_url = "ftp://h/main"', "halaxy.base_url", "must be a URL such as"),
    "a room of one word": ('[halaxy.rooms]\nPR-1 = "ana"', "halaxy.rooms.PR-1", "the slugs of clinic and owner"),
    "half a secret": (HALAXY + 'webhook_secret = "0123456789abcdef"', "halaxy.webhook_header_value", "or neither"),
    "a short secret": (HALAXY + 'webhook_secret = "x"', "halaxy.webhook_secret", "at least 16 bytes"),
    "an odd header": ('[halaxy]\nwebhook_header = "a b"', "halaxy.webhook_header", "the name of a header"),
    "a vendor in parentheses": ('[halaxy]\nvendor = "a (b)"', "halaxy.vendor", "plain ASCII"),
    "port of letters": ('[server]\npublic = "h:http"', "server.public", "the port must be a number"),
    "port too large": ('[server]\npublic = "h:70000"', "server.public", "the port must be at most 65535"),
    "bare v6": ('[server]\npublic = "::1:80"', "server.public", "must stand in brackets"),
    "bad v6": ('[server]\npublic = "[::z]:80"', "server.public", "'::z' does not appear to be"),
    "fd of letters": ('[server]\npublic = "fd:x"', "server.public", "must be host:port"),
    "relative socket": ('[server]\npublic = "unix:x"', "server.public", "must start with /"),
    "same listener twice": ('[server]\npublic = "127.0.0.1:9000"', "server.internal", "must differ from server.public"),
    "url with a path": ('[server]\npublic_url = "https://x.example/a"', "server.public_url", "without a path"),
    "url without scheme": ('[server]\npublic_url = "x.example"', "server.public_url", "must be a URL"),
    "url with a bad port": ('[server]\npublic_url = "https://x:y"', "server.public_url", "is not a URL"),
    "accel for nobody": ('[upstream]\naccel = "@platform"', "upstream.accel", "server.trusted_proxies"),
    "accel to a path": ('[upstream]\naccel = "/platform"', "upstream.accel", "name of a location"),
    "desk in the clear": ('[server]\ndesk_url = "http://d.example"', "server.desk_url", "scheme of server.public_url"),
    "network with host bits": (
        '[server]\ntrusted_proxies = ["10.0.0.1/8"]',
        "server.trusted_proxies[0]",
        "without host",
    ),
    "a word for a truth value": ('[server]\nreuse_port = "yes"', "server.reuse_port", "must be true or false"),
    "text for a number": ('[store]\nrecheck_s = "2"', "store.recheck_s", '"2": must be a number'),
    "truth value for a number": ("[store]\nrecheck_s = true", "store.recheck_s", "true: must be a number"),
    "not a number": ("[store]\nrecheck_s = nan", "store.recheck_s", "must be a finite number"),
    "zero deadline": ("[store]\ndeadline_s = 0", "store.deadline_s", "must be more than 0"),
    "deadlines crossed": ("[store]\ndeadline_s = 5", "store.durable_deadline_s", "at least store.deadline_s"),
    "unknown store": ('[store]\nurl = "mysql://x"', "store.url", "must be embedded, or a redis://"),
    "store without place": ('[store]\nurl = "redis://"', "store.url", "must be embedded"),
    "prefix with a colon": ('[store]\nkey_prefix = "a:b"', "store.key_prefix", "letters, digits"),
    "no state directory": ('[store]\nstate_dir = ""', "store.state_dir", "must not be empty"),
    "room without owner": (
        '[links]\nroom = "/{clinic}/room"',
        "links.room",
        "must name {clinic} and {owner} once",
    ),
    "room twice": ('[links]\nroom = "/{clinic}/{owner}/{owner}"', "links.room", "must name"),
    "session without token": ('[links]\nsession = "/session"', "links.session", "must name {token} once"),
    "room without path": ('[links]\nroom = "{clinic}.{owner}"', "links.room", "it"),
    "room with a query": ('[links]\nroom = "/{clinic}?o={owner}"', "links.room", "it"),
    "upstream with a path": ('[upstream]\nurl = "http://h:1/x"', "upstream.url", "without a path"),
    "no upstream": ("[upstream]\nurl = []", "upstream.url", "a list of addresses"),
    "one bad upstream of two": ('[upstream]\nurl = ["http://h:1", "h:2"]', "upstream.url", "without a path"),
    "upstream twice": ('[upstream]\nurl = ["http://h:1", "http://h:1/"]', "upstream.url", "name each address once"),
    "upstreams without end": (
        f"[upstream]\nurl = {[f'http://h:{port}' for port in range(1, 18)]}",
        "upstream.url",
        "at most 16",
    ),
    "authorities that are not there": (
        '[upstream]\nca_file = "none.pem"',
        "upstream.ca_file",
        "cannot be read: No such file",
    ),
    "authorities that are none": ('[upstream]\nca_file = "config.toml"', "upstream.ca_file", "no certificate in PEM"),
    "never aside": ("[upstream]\nfails_before_aside = 0", "upstream.fails_before_aside", "must be at least 1"),
    "entry without alias": ('[upstream]\nentry = "/call"', "upstream.entry", 'no route of class "entry"'),
    "entry without route": ('[upstream]\nentry = "/c/{alias}"', "upstream.entry", 'no route of class "entry"'),
    "half a connection": ("[upstream]\nmax_connections = 0.5", "upstream.max_connections", "must be a whole number"),
    "body beyond all": ("[upstream]\nmax_body_bytes = 2_000_000_000_000", "upstream.max_body_bytes", "must be at most"),
    "route to nowhere": (CALL + '[[routes]]\npath = "a"\nclass = "asset"', "routes[1].path", "a path is exact"),
    "route with dots": (
        CALL + '[[routes]]\npath = "/a/../b"\nclass = "asset"',
        "routes[1].path",
        "a segment is one placeholder",
    ),
    "route of a person": (
        CALL + '[[routes]]\npath = "/{who}"\nclass = "asset"',
        "routes[1].path",
        "placeholders are {clinic}",
    ),
    "route twice": (CALL + CALL, "routes", "stands here twice"),
    "unknown class": (CALL + '[[routes]]\npath = "/a"\nclass = "page"', "routes[1].class", "must be one of 'asset'"),
    "a header that is none": ('[upstream]\nstrip = ["User Id"]', "upstream.strip[0]", "the name of a header"),
    "a header of the gateway's": ('[upstream]\nstrip = ["X-Real-IP"]', "upstream.strip[0]", "gateway's own matter"),
    "an answer that is not ours": (CALL + 'answer = "{}"', "routes[0].answer", "class mint"),
    "counting by pages": (CALL + 'counts = "event"', "routes[0].counts", "signal or poll"),
    "odd method": (CALL + 'methods = ["GET/1"]', "routes[0].methods", "not a method"),
    "unknown binding": (CALL.replace('"path"', '"cookie"'), "routes[0].binds", "path, query:NAME"),
    "binding without name": (
        CALL + '[[routes]]\npath = "/s"\nclass = "signal"\nbinds = "path"',
        "routes[1].binds",
        "needs {alias}",
    ),
    "route to an unknown place": (
        CALL + '[[routes]]\npath = "/s"\nclass = "signal"\nupstream = "ftp://h"',
        "routes[1].upstream",
        "an address such as",
    ),
    "route to one place and to nowhere": (
        CALL + '[[routes]]\npath = "/s"\nclass = "signal"\nbinds = "unbound"\nupstream = ["http://h", "ftp://h"]',
        "routes[1].upstream",
        "an address such as",
    ),
    "route to a number": (CALL + "upstream = 8080", "routes[0].upstream", "a list of addresses"),
    "carrier of no kind": ('[identity]\ncarrier = "query"', "identity.carrier", 'must be "header"'),
    "guests before hosts": ("[sessions]\nhost_early_s = 60", "sessions.host_early_s", "the host comes in no later"),
    "unknown admission": ('[sessions]\nguest_admission = "open"', "sessions.guest_admission", "'knock' or 'direct'"),
    "waiting too short": ("[waiting]\nttl_s = 20", "waiting.ttl_s", "at least three times waiting.heartbeat_s"),
    "plan off the ladder": (
        '[plans]\nsession_links_from = "profesional"',
        "plans.session_links_from",
        "did you mean professional?",
    ),
    "plan twice": ('[plans]\nladder = ["professional", "professional"]', "plans.ladder", "must name each plan once"),
    "no plans": ("[plans]\nladder = []", "plans.ladder", "must not be empty"),
    "plan in capitals": ('[plans]\naddon = "Sessions"', "plans.addon", "must be lower-case letters"),
    "unknown language": ('[pages]\nlanguages = ["english"]', "pages.languages[0]", "pages exist in"),
    "text for a list": ('[pages]\nlanguages = "en"', "pages.languages", "must be a list"),
    "keys of the store's place": (
        '[store]\nurl = "redis://h"',
        "secrets.keys",
        "is missing: every gateway on this store",
    ),
    "short key": (
        f'[secrets]\nkeys = ["{KEY}", "brief"]',
        "secrets.keys[1]",
        "(not shown): must be at least 32 bytes long, is 5",
    ),
    "keys twice over": (f'[secrets]\nkeys = ["{KEY}"]\nkey_file = "config.toml"', "secrets.key_file", "not both"),
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
    "platform of no kind": ('[platform]\nkind = "zoom"', "platform.kind", "must be one of"),
    "events that nobody signs": ('[platform]\nkind = "janus"', "platform.event_keys", "by their signature alone"),
    "short event key": ('[platform]\nevent_keys = ["brief"]', "platform.event_keys[0]", "at least 16 bytes long, is 5"),
    "event keys twice over": (
        f'[platform]\nevent_keys = ["{KEY}"]\nevent_key_file = "config.toml"',
        "platform.event_key_file",
        "not both",
    ),
    "no event key file": (
        '[platform]\nkind = "janus"\nevent_key_file = "absent"',
        "platform.event_key_file",
        "cannot be read: No such file",
    ),
    "callback nobody knows": (
        f'[platform]\nkind = "bigbluebutton"\nevent_keys = ["{KEY}"]',
        "platform.public_url",
        "signs the address",
    ),
    "call without address": ('[[platform.calls]]\non = "end"', "platform.calls[0].url", "is missing"),
    "call at no time": (called('on = "admit"'), "platform.calls[0].on", "must be one of"),
    "call to whomever": (
        '[[platform.calls]]\non = "end"\nurl = "http://{alias}.h/"',
        "platform.calls[0].url",
        "never in its host",
    ),
    "call with two lines": (
        called('on = "end"\nheaders = { A = "b\\nc" }'),
        "platform.calls[0].headers.A",
        "must be one line",
    ),
    "call found too late": (
        called('on = "end"\nfind = { id = "/id" }'),
        "platform.calls[0].find",
        'unless on = "open"',
    ),
    "asking for a place": (
        called('on = "ask"\nfind = { visitor = "/0" }'),
        "platform.calls[0].find",
        "that holds the ids",
    ),
    "asking for a thing": (
        called('on = "ask"\nfind = { room = "id" }'),
        "platform.calls[0].find",
        "that holds the ids",
    ),
    "call that finds no place": (
        called('on = "open"\nfind = { id = "a b" }'),
        "platform.calls[0].find.id",
        "JSON pointer",
    ),
    "claims nobody signs": (called('on = "end"\nclaims = { a = "b" }'), "platform.calls[0].claims", 'sign = "jwt"'),
    "a key nobody gave": (
        called('on = "end"\nheaders = { x-api-key = "{key}" }'),
        "platform.calls[0].headers.x-api-key",
        "{key} is no field here",
    ),
    "a key that signs": (
        called('on = "end"\nbody = "{key}"\nsign = "jwt"\nkeys = ["' + "k" * 32 + '"]'),
        "platform.calls[0].body",
        "{key} is no field here",
    ),
    "asked too seldom": (
        '[platform]\nask_every_s = 30\ncalls = [{ on = "ask", url = "http://h/" }]',
        "platform.ask_every_s",
        "half of presence.ttl_s",
    ),
    "nobody's keys": (
        called('on = "end"\nsign = "jwt"') + '[identity]\nkind = "none"',
        "platform.calls[0].keys",
        "none of [identity]",
    ),
    "each of nobody": (called('on = "ask"\neach = "connection"'), "platform.calls[0].each", "remove"),
    "check of nothing": (called('on = "check"'), "platform.calls[0].absent", "that needs it"),
    "calls without end": (
        "[platform]\ncalls = [" + 33 * '{ on = "end", url = "http://h/" },' + "]",
        "platform.calls",
        "at most 32",
    ),
    "probe twice": (2 * PROBE, "platform.probes[1].name", "another probe"),
    "probe without refusal": (PROBE + "refused = [7]", "platform.probes[0].refused[0]", "at least 100"),
    "no key file": ('[secrets]\nkey_file = "absent"', "secrets.key_file", "cannot be read: No such file"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_names_its_key_and_says_why(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text, key, words = FAULTS[name]
    found = faults(text, tmp_path)
    assert key in found
    assert words in found[key]


def test_a_file_that_is_absent_or_not_toml_is_one_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigFaults, match="cannot be read: No such file"):
        load(tmp_path / "absent.toml", {})
    assert "is not TOML" in str(faults("[server", tmp_path))
    (tmp_path / "latin").write_bytes(b"\xff")
    with pytest.raises(ConfigFaults, match="is not TOML"):
        load(tmp_path / "latin", {})


def test_no_fault_and_no_repr_shows_a_secret(tmp_path: Path) -> None:
    text = """
        [store]
        url = "redis//user:hunter2@host"
        [secrets]
        keys = ["hunter2-hunter2", 7]
        [identity]
        keys = "hunter2"
        kind = "hunter"
        [platform]
        event_keys = ["hunter2"]
        calls = [{ on = "end", url = "http://u:hunter2@h/", headers = { A = "hunter2\\n", "b c" = "hunter2" } }]
    """
    assert "hunter2" not in str(faults(text, tmp_path))
    path = tmp_path / "good.toml"
    path.write_text(f"store.url = 'redis://u:hunter2@h'\nsecrets.keys = ['{KEY}']\nidentity.keys = ['{OTHER_KEY}']")
    config = load(path, {})
    assert not any(secret in repr(config) for secret in (KEY, OTHER_KEY, "hunter2"))


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    found = faults(f'[server]\npublic = "{"x" * 500}"', tmp_path)
    assert len(found["server.public"]) < 200


def test_a_name_in_the_environment_that_leads_nowhere_is_a_fault(tmp_path: Path) -> None:
    found = faults("", tmp_path, {"LINK_GATEWAY__SEVER__PUBLIC": "x", "LINK_GATEWAY__LOG__LEVEL__DEEP": "x"})
    assert found == {
        "LINK_GATEWAY__SEVER__PUBLIC": "LINK_GATEWAY__SEVER__PUBLIC: unknown key; "
        "did you mean LINK_GATEWAY__SERVER__PUBLIC?",
        "LINK_GATEWAY__LOG__LEVEL__DEEP": "LINK_GATEWAY__LOG__LEVEL__DEEP: unknown key; "
        "did you mean LINK_GATEWAY__LOG__LEVEL?",
    }


def test_a_bad_value_in_the_environment_is_a_fault_of_the_key(tmp_path: Path) -> None:
    assert faults("", tmp_path, {"LINK_GATEWAY__STORE__DEADLINE_S": "soon"}) == {
        "store.deadline_s": 'store.deadline_s = "soon": must be a number'
    }


def test_a_section_that_is_a_value_in_the_file_is_a_fault_whatever_the_environment_says(tmp_path: Path) -> None:
    assert faults("store = 3", tmp_path, {"LINK_GATEWAY__STORE__DEADLINE_S": "1"}) == {
        "store": "store = 3: must be a table"
    }


@pytest.mark.parametrize(("content", "words"), [("\n", "holds no key"), ("short\n", "key 1 must be at least 32 bytes")])
def test_a_key_file_that_serves_no_one_is_a_fault(content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(content)
    assert words in faults(f'[identity]\nkey_file = "{tmp_path}/keys"', tmp_path)["identity.key_file"]


def test_halaxys_secrets_are_never_printed(tmp_path: Path) -> None:
    text = "[halaxy]\nclient_secret = 71\nwebhook_secret = 72\nwebhook_header_value = 73"
    found = faults(text, tmp_path)
    assert set(found) >= {"halaxy.client_secret", "halaxy.webhook_secret", "halaxy.webhook_header_value"}
    assert not [said for said in found.values() if "7" in said]
