"""The kinds of text a configuration value can be: origins, networks, languages and so on.

Rule that holds here: each judges one text by itself and returns it as it will be used, or raises ValueError with a
reason in plain words. Link patterns and routes are judged by the rules that use them.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, PlainValidator

from gateway.config.addresses import parse_address
from gateway.config.faults import suggestion
from rules.headers import is_ours_to_say

MOST_UPSTREAMS = 16  # each has a label in the metrics
_STORE_SCHEMES = frozenset({"redis", "rediss", "unix", "sentinel", "cluster"})
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
_SLUG = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")
_ROOM = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*/[a-z0-9]+([-_][a-z0-9]+)*")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_CREDENTIAL_NAME = re.compile(r"[A-Za-z0-9._~-]{0,64}")
_POINTER = re.compile(r"(/([^~/]|~[01])*)*")
_HEADER_TEXT = re.compile(r"[ !#-'*-~]*")  # neither quotes nor parentheses
_LOCATION = re.compile(r"(@[A-Za-z0-9_-]{1,64})?")
_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,32}")

PAGE_LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "el", "ar", "zh-Hans", "vi", "hi", "ja")


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


def _base(text: str) -> str:
    parts = _split(text)
    if text and (parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc):
        raise ValueError("must be a URL such as https://api.example.org/main")
    if parts.query or parts.fragment:
        raise ValueError("must have neither ? nor #")
    return text


def _upstream(text: str) -> str:
    if text.startswith("unix:/"):
        return text
    try:
        return _origin(text)
    except ValueError as error:
        raise ValueError("must be http://host:port, https://host:port or unix:/path, without a path") from error


def _word_or_list(value: object) -> str | tuple[str, ...]:
    """One text, or a list of them."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list | tuple) or not value or not all(isinstance(each, str) for each in value):
        raise ValueError("must be an address or a list of addresses")
    return tuple(value)


def _upstreams(value: object) -> str | tuple[str, ...]:
    given = _word_or_list(value)
    if isinstance(given, str):
        return _upstream(given)
    if len(given) > MOST_UPSTREAMS:
        raise ValueError(f"must be at most {MOST_UPSTREAMS} addresses")
    if len({_upstream(each) for each in given}) < len(given):
        raise ValueError("must name each address once")
    return tuple(_upstream(each) for each in given)


def _store_url(text: str) -> str:
    scheme, colon, rest = text.partition("://")
    if text != "embedded" and not (scheme in _STORE_SCHEMES and colon and rest):
        raise ValueError("must be embedded, or a redis://, rediss://, unix://, sentinel:// or cluster:// address")
    return text


def _language(text: str) -> str:
    return _matching(_LANGUAGE, text, "must be a language tag such as en or pt-BR")


def _page_language(text: str) -> str:
    if text not in PAGE_LANGUAGES:
        raise ValueError(f"pages exist in {', '.join(PAGE_LANGUAGES)}{suggestion(text, PAGE_LANGUAGES)}")
    return text


def _slug(text: str) -> str:
    return _matching(_SLUG, text, "must be lower-case letters, digits and hyphens")


def _room(text: str) -> str:
    return _matching(_ROOM, text, "must be the slugs of clinic and owner, such as sunrise/dr-lee")


def _header_name(text: str) -> str:
    return _matching(_HEADER_NAME, text, "must be the name of a header")


def _stripped_name(text: str) -> str:
    _header_name(text)
    if is_ours_to_say(text.encode()):
        raise ValueError("is the gateway's own matter already")
    return text


def _credential_name(text: str) -> str:
    return _matching(_CREDENTIAL_NAME, text, "must be the name of a header or of a query parameter, or empty")


def _pointer(text: str) -> str:
    return _matching(_POINTER, text, "must be a JSON pointer such as /rooms/0/url")


def _header_text(text: str) -> str:
    return _matching(_HEADER_TEXT, text, "must be plain ASCII without quotes and parentheses")


def _location(text: str) -> str:
    return _matching(_LOCATION, text, "must be the name of a location of nginx, such as @platform, or empty")


def _prefix(text: str) -> str:
    return _matching(_PREFIX, text, "must be 1 to 32 letters, digits, - or _")


def _matching(pattern: re.Pattern[str], text: str, otherwise: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(otherwise)
    return text


AddressText = Annotated[str, AfterValidator(_address)]
NetworkText = Annotated[str, AfterValidator(_network)]
Origin = Annotated[str, AfterValidator(_origin)]
OptionalBase = Annotated[str, AfterValidator(_base)]
RoomPath = Annotated[str, AfterValidator(_room)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
StrippedName = Annotated[str, AfterValidator(_stripped_name)]
CredentialName = Annotated[str, AfterValidator(_credential_name)]
Pointer = Annotated[str, AfterValidator(_pointer)]
HeaderText = Annotated[str, AfterValidator(_header_text)]
OptionalOrigin = Annotated[str, AfterValidator(_optional_origin)]
NginxLocation = Annotated[str, AfterValidator(_location)]
WordOrList = Annotated[str | tuple[str, ...], PlainValidator(_word_or_list)]
UpstreamUrls = Annotated[str | tuple[str, ...], PlainValidator(_upstreams)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
Language = Annotated[str, AfterValidator(_language)]
PageLanguage = Annotated[str, AfterValidator(_page_language)]
Slug = Annotated[str, AfterValidator(_slug)]
KeyPrefix = Annotated[str, AfterValidator(_prefix)]
NotEmpty = Annotated[str, Field(min_length=1)]
