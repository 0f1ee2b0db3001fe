"""Everything signed: session links, cookies, sign-ins, and the identity told to platforms."""

from gateway.signing.identity import Identity
from gateway.signing.signing import HostLink, HostSignIn, Pass, Signing

__all__ = ["HostLink", "HostSignIn", "Identity", "Pass", "Signing"]
