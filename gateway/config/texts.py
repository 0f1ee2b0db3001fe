"""The kinds of text a configuration value can be: origins, networks, link patterns and so on.

Rule that holds here: each judges one text by itself and returns it as it will be used, or raises ValueError with a
reason in plain words.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field

from gateway.config.addresses import parse_address

_STORE_SCHEMES = frozenset({"redis", "rediss", "unix", "sentinel", "cluster"})
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
_SLUG = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")
_METHOD = re.compile(r"[A-Z]{3,16}")
_ROUTE_PLACEHOLDERS = frozenset({"clinic", "owner", "session", "alias"})


def _address(text: str) -> str:
    parse_address(text)
    return text


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise ValueError("must be an address or a network such as 10.0.0.0/8, without host bits") from error


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # a port that is no number shows only when asked for
    except ValueError as error:
        raise ValueError("is not a URL") from error
    return parts


def _origin(text: str) -> str:
    parts = _split(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ValueError("must be a URL such as https://video.example.org")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("must be scheme and host alone, without a path")
    return f"{parts.scheme}://{parts.netloc}".lower()


def _optional_origin(text: str) -> str:
    return _origin(text) if text else text


def _upstream(text: str) -> str:
    if text.startswith("unix:/"):
        return text
    try:
        return _origin(text)
    except ValueError as error:
        raise ValueError("must be http://host:port, https://host:port or unix:/path, without a path") from error


def _optional_upstream(text: str) -> str:
    return _upstream(text) if text else text


def _store_url(text: str) -> str:
    scheme, colon, rest = text.partition("://")
    if text != "embedded" and not (scheme in _STORE_SCHEMES and colon and rest):
        raise ValueError("must be embedded, or a redis://, rediss://, unix://, sentinel:// or cluster:// address")
    return text


def _room_pattern(text: str) -> str:
    return _link_pattern(text, {"clinic", "owner"})


def _session_pattern(text: str) -> str:
    return _link_pattern(text, {"token"})


def _link_pattern(text: str, needed: set[str]) -> str:
    names = _PLACEHOLDER.findall(text)
    if sorted(names) != sorted(needed):
        raise ValueError("must hold " + " and ".join(f"{{{name}}}" for name in sorted(needed)) + ", each once")
    host, slash, path = text.partition("/")
    if not slash or host.count("{") > 1 or not _is_plain_path("/" + path):
        raise ValueError("must be a path, or one {clinic}.host and a path")
    return text


def _entry_path(text: str) -> str:
    if _PLACEHOLDER.findall(text) != ["alias"] or not _is_plain_path(text):
        raise ValueError("must be a path that holds {alias} once")
    return text


def _route_path(text: str) -> str:
    unknown = [name for name in _PLACEHOLDER.findall(text) if name not in _ROUTE_PLACEHOLDERS]
    if unknown:
        raise ValueError(
            f"{{{unknown[0]}}} is none of " + ", ".join(f"{{{name}}}" for name in sorted(_ROUTE_PLACEHOLDERS))
        )
    if not _is_plain_path(text.removesuffix("/**") or "/") and not _is_plain_path(text.removeprefix("**")):
        raise ValueError("must be an exact /path, a /prefix/** or a **/suffix")
    return text


def _is_plain_path(text: str) -> bool:
    left = _PLACEHOLDER.sub("x", text)
    segments = left.split("/")
    return left.startswith("/") and not re.search(r"[^!-~]|[\\?#%*{}]", left) and not {".", ".."} & set(segments)


def _language(text: str) -> str:
    return _matching(_LANGUAGE, text, "must be a language tag such as en or pt-BR")


def _slug(text: str) -> str:
    return _matching(_SLUG, text, "must be lower-case letters, digits and hyphens")


def _method(text: str) -> str:
    return _matching(_METHOD, text, "must be a method in capitals, such as GET")


def _matching(pattern: re.Pattern[str], text: str, otherwise: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(otherwise)
    return text


AddressText = Annotated[str, AfterValidator(_address)]
NetworkText = Annotated[str, AfterValidator(_network)]
Origin = Annotated[str, AfterValidator(_origin)]
OptionalOrigin = Annotated[str, AfterValidator(_optional_origin)]
UpstreamUrl = Annotated[str, AfterValidator(_upstream)]
OptionalUpstreamUrl = Annotated[str, AfterValidator(_optional_upstream)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
RoomPattern = Annotated[str, AfterValidator(_room_pattern)]
SessionPattern = Annotated[str, AfterValidator(_session_pattern)]
EntryPath = Annotated[str, AfterValidator(_entry_path)]
RoutePath = Annotated[str, AfterValidator(_route_path)]
Language = Annotated[str, AfterValidator(_language)]
Slug = Annotated[str, AfterValidator(_slug)]
Method = Annotated[str, AfterValidator(_method)]
NotEmpty = Annotated[str, Field(min_length=1)]
