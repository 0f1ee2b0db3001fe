"""The section [identity]: how a platform is told who comes, and what its tokens say.

Rule that holds here: as in `sections`, a value is judged by itself; what involves two keys, and every template, is
judged in `identity_checks`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from gateway.config.platform_sections import Headers, OptionalUrl
from gateway.config.sections import Keys, Section
from gateway.config.texts import CredentialName, NotEmpty, Pointer

TOKENS = frozenset({"jwt", "hmac-token"})
ASYMMETRIC = frozenset({"RS256", "EdDSA"})
_DEFAULT_ALGORITHM = {"headers": "HS256", "jwt": "HS256", "hmac-token": "SHA1", "signed-url": "SHA256"}

Claims = dict[str, JsonValue]
_WHO: Claims = {"name": "{name}", "role": "{role}", "room": "{alias}"}


class Roles(Section):
    """What the platform calls our roles."""

    host: NotEmpty = "host"
    guest: NotEmpty = "guest"


class Found(Section):
    """Where an answer of the platform says where somebody of each role is sent: JSON pointers."""

    host: Pointer = ""
    guest: Pointer = ""


class IdentityCall(Section):
    """The request by which a platform makes the address for one person."""

    method: Literal["GET", "POST", "PUT"] = "POST"
    url: OptionalUrl = ""
    headers: Headers = Field(default_factory=dict)
    body: str = Field("", repr=False)
    find: Found = Found()


class Identity(Section):
    kind: Literal["headers", "jwt", "hmac-token", "signed-url", "api-call", "none"] = "headers"
    carrier: Literal["header", "query", "redirect", "mint"] = "header"
    name: CredentialName = ""
    keys: Keys = ()
    key_file: str = ""
    key_id: str = ""
    algorithm: Literal["", "HS256", "RS256", "EdDSA", "SHA1", "SHA256", "SHA384", "SHA512"] = ""
    issuer: str = ""
    audience: NotEmpty = "platform"
    ttl_s: Annotated[float, Field(ge=5, le=3600)] = 60
    checked: Literal["connect", "always"] = "connect"
    longest_call_s: Annotated[float, Field(ge=3600, le=31 * 86_400)] = 43_200
    location: str = ""
    plugins: Annotated[tuple[NotEmpty, ...], Field(strict=False)] = ()
    room_realm: str = ""
    room_opens: str = "room={number}"
    claims: Claims = Field(default_factory=lambda: dict(_WHO))
    host_claims: Claims = Field(default_factory=dict)
    guest_claims: Claims = Field(default_factory=dict)
    roles: Roles = Roles()
    call: IdentityCall = IdentityCall()

    @property
    def signs_with(self) -> str:
        """The algorithm, the kind's own where none is given; empty where the kind signs nothing."""
        own = _DEFAULT_ALGORITHM.get(self.kind, "")
        return self.algorithm or own if own else ""

    @property
    def says_its_key(self) -> bool:
        """Whether its key is one that the platform gave for its API, and that the gateway says there: {key}."""
        return self.kind == "api-call" and bool(self.keys or self.key_file)

    @property
    def by_private_key(self) -> bool:
        """Whether its keys are private ones, whose public halves are published."""
        return self.kind == "jwt" and self.signs_with in ASYMMETRIC

    @property
    def parameter(self) -> str:
        """What carries the credential: the header's name, or the query parameter's."""
        return self.name or {"header": "Authorization", "query": "jwt"}.get(self.carrier, "")

    @property
    def header_names(self) -> tuple[str, ...]:
        """The name of the header that carries a token, which nobody but the gateway may say; none for other kinds."""
        return (self.parameter,) if self.carrier == "header" and self.kind in TOKENS else ()

    @property
    def location_parameter(self) -> str:
        """The query parameter of `location` that is the credential and nothing else; empty where none is."""
        pairs = (pair.partition("=") for pair in self.location.partition("#")[0].partition("?")[2].split("&"))
        return next((name for name, _, value in pairs if value == "{credential}"), "")
