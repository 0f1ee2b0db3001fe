"""Everything signed: session links, cookies, sign-ins, and who comes, as platforms are told."""

from gateway.signing.credentials import Credentials
from gateway.signing.identity import Identity
from gateway.signing.jwt import JwtKeys, UnfitKey, checksum, hmac_token
from gateway.signing.signing import HostLink, HostSignIn, Pass, Signing

__all__ = [
    "Credentials",
    "HostLink",
    "HostSignIn",
    "Identity",
    "JwtKeys",
    "Pass",
    "Signing",
    "UnfitKey",
    "checksum",
    "hmac_token",
]
