"""The calls of a configuration, each with what it is signed with.

Rule that holds here: a call without keys of its own signs as people's credentials are signed; with keys of its own, by
what those are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.config import Config, ConfigFaults
from gateway.config.faults import Fault
from gateway.config.identity_sections import ASYMMETRIC
from gateway.config.keys import call_keys_of, keys_as_text
from gateway.config.platform_sections import PlatformCall
from gateway.integrations.platforms.rendering import Prepared, Signature
from gateway.signing import JwtKeys, UnfitKey
from rules.model import Millis

_PRIVATE = b"-----BEGIN"
_CHECKSUM = "SHA256"


def prepared_calls(config: Config, now_ms: Callable[[], Millis]) -> tuple[Prepared, ...]:
    """Every call, in the operator's order. Raises ConfigFaults where keys cannot be read, or cannot sign."""
    return tuple(
        Prepared(call, _signature(_where(number, call), call, config), now_ms)
        for number, call in enumerate(config.platform.calls)
    )


def call_faults(config: Config) -> list[Fault]:
    """What is wrong with the keys that calls have of their own. None is made."""
    faults: list[Fault] = []
    for number, call in enumerate(config.platform.calls):
        if call.keys or call.key_file:
            try:
                _signature(_where(number, call), call, config)
            except ConfigFaults as error:
                faults += error.faults
    return faults


def _where(number: int, call: PlatformCall) -> str:
    return f"platform.calls[{number}].{'keys' if call.keys else 'key_file'}"


def _signature(name: str, call: PlatformCall, config: Config) -> Signature:
    own = call_keys_of(name, call)
    keys = own or (config.identity_keys() if call.sign or config.identity.says_its_key else ())
    if call.sign == "checksum":
        given = config.identity.signs_with
        return Signature(secrets=keys, algorithm=given if given.startswith("SHA") else _CHECKSUM)
    if call.sign != "jwt":
        return Signature(secrets=keys_as_text(name, keys))
    said = {"iss": config.identity.issuer} if config.identity.issuer else {}
    jwt = _jwt(name, own, config) if own else _identity_jwt(keys, config)
    return Signature(jwt, registered={**said, "aud": config.identity.audience})


def _identity_jwt(keys: Sequence[bytes], config: Config) -> JwtKeys:
    identity = config.identity
    algorithm = identity.signs_with if identity.kind == "jwt" else "HS256"
    return JwtKeys(keys, algorithm, identity.key_id)


def _jwt(name: str, keys: Sequence[bytes], config: Config) -> JwtKeys:
    kinds = sorted(ASYMMETRIC, key=lambda each: each != config.identity.signs_with)
    faults = []
    for algorithm in kinds if keys[-1].startswith(_PRIVATE) else ("HS256",):
        try:
            return JwtKeys(keys, algorithm)
        except UnfitKey as error:
            faults.append(Fault(name, "", str(error)))
    raise ConfigFaults(faults)
