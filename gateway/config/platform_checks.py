"""What must hold between keys of [platform].

Rule that holds here: as in `checks`, of which this is a part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway.config.faults import Check, Fault, shown
from rules.templates import FOUND, PERSON, claim_faults, fields_in, place_of, template_faults

if TYPE_CHECKING:
    from gateway.config.model import Config
    from gateway.config.platform_sections import PlatformCall

SHORTEST_EVENT_KEY_BYTES = 16
OF_A_PERSON = frozenset({"visitor", "name", "role"})


def check_platform(config: Config) -> Iterator[Check]:
    """Every fault between keys of [platform], and between those and others."""
    yield from _events(config)
    for number, call in enumerate(config.platform.calls):
        yield from _call(f"platform.calls[{number}]", call, config)
    presence_s, ask_s = config.presence.ttl_s, config.platform.ask_every_s
    if config.platform.calls_on("ask") and presence_s < 2 * ask_s:
        reason = "must be at most half of presence.ttl_s: whoever stands in the answer is inside that long"
        yield _fault("platform.ask_every_s", f"{ask_s:g}", reason, "presence.ttl_s", "platform.calls")
    names = [probe.name for probe in config.platform.probes]
    for number, name in enumerate(names):
        if name in names[:number]:
            yield _fault(f"platform.probes[{number}].name", shown(name), "another probe has this name")


def _events(config: Config) -> Iterator[Check]:
    platform = config.platform
    if platform.event_keys and platform.event_key_file:
        reason = "give this or platform.event_keys, not both"
        yield _fault("platform.event_key_file", shown(platform.event_key_file), reason)
    if platform.kind and not platform.event_keys and not platform.event_key_file:
        reason = "is missing: events of the platform are believed by their signature alone"
        yield _fault("platform.event_keys", "", reason, "platform.kind", "platform.event_key_file")
    for number, key in enumerate(platform.event_keys):
        size = len(key.encode())
        if size < SHORTEST_EVENT_KEY_BYTES:
            reason = f"must be at least {SHORTEST_EVENT_KEY_BYTES} bytes long, is {size}"
            yield _fault(f"platform.event_keys[{number}]", "(not shown)", reason)
    if platform.kind == "bigbluebutton" and not platform.public_url:
        reason = "is missing: BigBlueButton signs the address that it calls"
        yield _fault("platform.public_url", "", reason, "platform.kind")


def _call(key: str, call: PlatformCall, config: Config) -> Iterator[Check]:
    """A key that says something only in calls of one kind is a mistake in others."""
    if call.keys and call.key_file:
        yield _fault(f"{key}.key_file", shown(call.key_file), f"give this or {key}.keys, not both")
    if call.sign and not call.keys and not call.key_file and not config.identity.signs_with:
        yield _fault(f"{key}.keys", "", "is missing: there are none of [identity] to sign with", "identity.kind")
    if call.claims and call.sign != "jwt":
        yield _fault(f"{key}.claims", "", 'says nothing unless sign = "jwt"')
    yield from _templates(key, call, config)
    if call.find and call.on not in {"open", "ask"}:
        yield _fault(f"{key}.find", "", 'says nothing unless on = "open" or "ask"')
    if call.on == "ask" and call.find and (set(call.find) != {"visitor"} or call.find["visitor"].startswith("/")):
        yield _fault(f"{key}.find", "", 'must be { visitor = "NAME" }: the member, or element, that holds the ids')
    if call.each and call.on not in {"remove", "end"}:
        yield _fault(f"{key}.each", shown(call.each), 'says nothing unless on = "remove" or "end"')
    if bool(call.absent) != (call.on == "check"):
        yield _fault(f"{key}.absent", shown(call.absent), 'belongs to on = "check", and that needs it')


def _templates(key: str, call: PlatformCall, config: Config) -> Iterator[Check]:
    """Fields that do not exist, and facts where they cannot be written safely. No text is shown: it may hold a key."""
    known = _fields(call, config)
    texts = {"url": call.url, "body": call.body, "absent": call.absent}
    texts |= {f"headers.{name}": value for name, value in call.headers.items()}
    for name, text in texts.items():
        for reason in template_faults(text, known):
            yield _fault(f"{key}.{name}", "", reason)
    for place, reason in claim_faults(f"{key}.claims", call.claims, known):
        yield _fault(place, "", reason)
    types = [value for name, value in call.headers.items() if name.lower() == "content-type"] or ["application/json"]
    if fields_in(call.body) and place_of(types[0]) is None:
        reason = "may hold fields only as JSON, as a form (application/x-www-form-urlencoded) or as plain text"
        yield _fault(f"{key}.body", "", reason, f"{key}.headers")


def _fields(call: PlatformCall, config: Config) -> tuple[str, ...]:
    """The fields that are known when a call is made."""
    says_key = not call.sign and bool(call.keys or call.key_file or config.identity.says_its_key)
    return (*_facts(call, config), *(("key",) if says_key else ()))


def _facts(call: PlatformCall, config: Config) -> tuple[str, ...]:
    if call.on == "open":
        return PERSON
    found = sorted({FOUND + name for each in config.platform.calls_on("open") for name in each.find})
    who = PERSON if call.on in {"remove", "check"} else tuple(each for each in PERSON if each not in OF_A_PERSON)
    names = () if call.on == "ask" else ("participant", "connection")
    return (*who, *names, *found)


def _fault(key: str, value: str, reason: str, *with_keys: str) -> Check:
    return Check(Fault(key, value, reason), with_keys)
