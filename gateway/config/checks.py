"""What must hold between keys of the configuration.

Rule that holds here: a check says which keys it looks at, so that it keeps silent where one of them is faulty by
itself; it reads nothing but the values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.config.addresses import parse_address
from gateway.config.faults import Check, Fault, shown, suggestion
from gateway.config.identity_checks import check_identity
from gateway.config.key_checks import check_given, check_needed
from gateway.config.platform_checks import check_platform
from rules.links import compile_patterns

if TYPE_CHECKING:
    from gateway.config.model import Config

SHORTEST_WEBHOOK_SECRET_BYTES = 16


def check_together(config: Config) -> Iterator[Check]:
    """Every fault between keys of `config`."""
    yield from _durations(config)
    yield from _listeners(config)
    yield from _accel(config)
    yield from _plans(config)
    yield from _links(config)
    yield from _routes(config)
    yield from check_identity(config)
    yield from _halaxy(config)
    yield from check_platform(config)
    yield from check_given("secrets", config.secrets)
    yield from check_needed("secrets", config.secrets, config.store.url)


def _durations(config: Config) -> Iterator[Check]:
    for key, value, least, other in (
        ("presence.ttl_s", config.presence.ttl_s, 2 * config.presence.heartbeat_s, "presence.heartbeat_s"),
        ("waiting.ttl_s", config.waiting.ttl_s, 3 * config.waiting.heartbeat_s, "waiting.heartbeat_s"),
        ("store.durable_deadline_s", config.store.durable_deadline_s, config.store.deadline_s, "store.deadline_s"),
    ):
        if value < least:
            times = {"presence.ttl_s": "twice ", "waiting.ttl_s": "three times "}.get(key, "")
            yield Check(Fault(key, f"{value:g}", f"must be at least {times}{other}"), (other,))
    if config.sessions.host_early_s < config.sessions.opens_early_s:
        reason = "must be at least sessions.opens_early_s: the host comes in no later than guests"
        yield Check(
            Fault("sessions.host_early_s", f"{config.sessions.host_early_s:g}", reason), ("sessions.opens_early_s",)
        )


def _listeners(config: Config) -> Iterator[Check]:
    public, internal = parse_address(config.server.public), parse_address(config.server.internal)
    if public == internal and getattr(public, "port", None) != 0:
        reason = "must differ from server.public: what it serves is not for guests"
        yield Check(Fault("server.internal", shown(config.server.internal), reason), ("server.public",))
    if bool(config.server.tls_certificate) != bool(config.server.tls_key):
        missing = "tls_key" if config.server.tls_certificate else "tls_certificate"
        yield Check(Fault(f"server.{missing}", "", "give both server.tls_certificate and server.tls_key, or neither"))
    desk, guests = config.server.desk_url, config.server.public_url
    if desk and urlsplit(desk).scheme != urlsplit(guests).scheme:
        reason = "must have the scheme of server.public_url"
        yield Check(Fault("server.desk_url", shown(desk), reason), ("server.public_url",))


def _accel(config: Config) -> Iterator[Check]:
    by_socket = config.server.public.startswith("unix:")  # whoever reaches it is the operator's
    if config.upstream.accel and not config.server.trusted_proxies and not by_socket:
        reason = "needs nginx's address in server.trusted_proxies: nobody else is told to move bytes"
        yield Check(Fault("upstream.accel", shown(config.upstream.accel), reason), ("server.trusted_proxies",))


def _plans(config: Config) -> Iterator[Check]:
    plans = config.plans
    if plans.session_links_from not in plans.ladder:
        reason = "must be one of plans.ladder" + suggestion(plans.session_links_from, plans.ladder)
        yield Check(Fault("plans.session_links_from", shown(plans.session_links_from), reason), ("plans.ladder",))
    if len(set(plans.ladder)) < len(plans.ladder):
        yield Check(Fault("plans.ladder", shown(list(plans.ladder)), "must name each plan once"))


def _links(config: Config) -> Iterator[Check]:
    patterns = compile_patterns(config.links.room, config.links.session)
    for fault in patterns if isinstance(patterns, tuple) else ():
        yield Check(Fault(f"links.{fault.key}", shown(fault.value), fault.reason))


def _routes(config: Config) -> Iterator[Check]:
    for number, route in enumerate(config.routes):
        compiled = route.compiled()
        for fault in compiled if isinstance(compiled, tuple) else ():
            yield Check(Fault(f"routes[{number}].{fault.key}", shown(fault.value), fault.reason), ("routes",))
    if not any(route.class_ == "entry" and route.path == config.upstream.entry for route in config.routes):
        reason = 'no route of class "entry" has this path, so nobody could come in'
        yield Check(Fault("upstream.entry", shown(config.upstream.entry), reason), ("routes",))


def _halaxy(config: Config) -> Iterator[Check]:
    halaxy = config.halaxy
    if not halaxy.base_url:
        return
    for key in ("client_id", "client_secret", "vendor", "mail", "rooms"):
        if not getattr(halaxy, key):
            yield Check(Fault(f"halaxy.{key}", "", "is missing: halaxy.base_url is given"), ("halaxy.base_url",))
    for key in ("webhook_secret", "webhook_header_value"):
        given = getattr(halaxy, key)
        if given and len(given.encode()) < SHORTEST_WEBHOOK_SECRET_BYTES:
            reason = f"must be at least {SHORTEST_WEBHOOK_SECRET_BYTES} bytes long"
            yield Check(Fault(f"halaxy.{key}", "(not shown)", reason))
    if bool(halaxy.webhook_secret) != bool(halaxy.webhook_header_value):
        reason = "give both halaxy.webhook_secret and halaxy.webhook_header_value, or neither"
        yield Check(Fault("halaxy.webhook_header_value", "", reason), ("halaxy.webhook_secret",))
