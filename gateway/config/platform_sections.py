"""[platform]: what the platform tells us, what we ask of it, and what it must refuse.

Rule that holds here: a value is judged by itself, as in `sections`. Addresses, headers and bodies are templates; their
fields are judged in `checks`, and filled by whoever sends them.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, JsonValue

from gateway.config.sections import Keys, Section
from gateway.config.texts import HeaderName, NotEmpty, OptionalBase

MOST_CALLS = 32
MOST_PROBES = 64
_YEAR_S = 366 * 86_400
_FIELD = re.compile(r"\{[a-z._]+\}")
_SIGNS = re.compile(r"[\x21-\x7e]+")
_FOUND = re.compile(r"[a-z][a-z_]{0,31}")
_PLACE = re.compile(r"/[^\x00-\x1f]{0,255}|[A-Za-z_][A-Za-z0-9_.-]{0,63}")

On = Literal["open", "remove", "end", "ask", "check"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


def _url(text: str) -> str:
    """An address whose scheme and host are the operator's, never a template's."""
    if not _SIGNS.fullmatch(_FIELD.sub("x", text)):
        raise ValueError("must be a URL without spaces such as http://127.0.0.1:8080/api/{alias}")
    try:
        parts = urlsplit(text)
        _ = parts.port  # a port that is no number shows only when asked for
    except ValueError as error:
        raise ValueError("is not a URL") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise ValueError("must be a URL such as http://127.0.0.1:8080/api/{alias}")
    if "{" in parts.netloc:
        raise ValueError("may have fields in its path and query, never in its host")
    return text


def _header_line(text: str) -> str:
    if any(sign < " " or sign == "\x7f" for sign in text):
        raise ValueError("must be one line")
    return text


def _found(text: str) -> str:
    if not _FOUND.fullmatch(text):
        raise ValueError("must be lower-case letters and _, as in {found.NAME}")
    return text


def _place(text: str) -> str:
    if not _PLACE.fullmatch(text):
        raise ValueError("must be a JSON pointer such as /room/sid, or the name of an XML element")
    return text


Url = Annotated[str, AfterValidator(_url)]
OptionalUrl = Annotated[str, AfterValidator(lambda text: _url(text) if text else text)]
HeaderTemplate = Annotated[str, AfterValidator(_header_line)]
FoundName = Annotated[str, AfterValidator(_found)]
FoundPlace = Annotated[str, AfterValidator(_place)]
# Headers and bodies may hold secrets of the platform's.
Headers = Annotated[dict[HeaderName, HeaderTemplate], Field(repr=False)]
Status = Annotated[int, Field(ge=100, le=599)]
Statuses = Annotated[tuple[Status, ...], Field(strict=False)]


class PlatformCall(Section):
    """One request that the gateway makes of the platform."""

    on: On
    method: Method = "POST"
    url: Url
    headers: Headers = Field(default_factory=dict)
    body: str = Field("", repr=False)
    sign: Literal["", "jwt", "checksum"] = ""
    claims: dict[str, JsonValue] = Field(default_factory=dict)
    keys: Keys = ()
    key_file: str = ""
    good: Statuses = ()
    find: dict[FoundName, FoundPlace] = Field(default_factory=dict)
    each: Literal["", "connection"] = ""
    refused: Annotated[tuple[NotEmpty, ...], Field(strict=False)] = ()
    absent: str = ""

    def is_good(self, status: int, text: str) -> bool:
        """Whether an answer of this status, which says this, says that it was done."""
        good = status in self.good if self.good else 200 <= status < 300  # noqa: PLR2004  what HTTP calls successful
        return good and not any(words in text for words in self.refused)


class PlatformProbe(Section):
    """One request that `check --live` makes without any credentials, and that must be refused."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    method: Method = "GET"
    url: Url
    headers: Headers = Field(default_factory=dict)
    body: str = Field("", repr=False)
    refused: Annotated[tuple[Status, ...], Field(strict=False)] = (401, 403, 404)
    says: str = ""
    closed: bool = False
    advice: str = ""


class Platform(Section):
    """What the gateway and the platform say to each other beside the guests' own requests."""

    kind: Literal["", "livekit", "bigbluebutton", "openvidu", "jitsi", "janus"] = ""
    event_keys: Keys = ()
    event_key_file: str = ""
    replay_s: Annotated[float, Field(ge=10, le=86_400)] = 300
    events_ttl_s: Annotated[float, Field(ge=30, le=_YEAR_S)] = 7200
    ask_every_s: Annotated[float, Field(ge=1, le=3600)] = 15
    public_url: OptionalBase = ""
    calls: Annotated[tuple[PlatformCall, ...], Field(strict=False, max_length=MOST_CALLS)] = ()
    probes: Annotated[tuple[PlatformProbe, ...], Field(strict=False, max_length=MOST_PROBES)] = ()

    def calls_on(self, on: On) -> tuple[PlatformCall, ...]:
        """The calls of one kind, in their order."""
        return tuple(call for call in self.calls if call.on == on)
