"""What is wrong with the platform's events, calls and probes: name -> the file, the key, what is said."""

from __future__ import annotations

from tests.gateway.faulty.sections import KEY

PROBE = '[[platform.probes]]\nname = "a"\nurl = "http://h/"\n'


def called(rest: str) -> str:
    return f'[[platform.calls]]\nurl = "http://h/"\n{rest}\n'


PLATFORM: dict[str, tuple[str, str, str]] = {
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
}
