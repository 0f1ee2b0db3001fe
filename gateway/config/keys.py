"""The secret keys: given, read from a file, or made once beside the embedded store.

Rule that holds here: keys stand oldest first, none is shorter than 32 bytes, and none is ever shown. Keys are made
only for the embedded store; two gateways that start on one state directory at once end up with the same ones.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.config.faults import ConfigFaults, Fault
from gateway.config.key_checks import SHORTEST_KEY_BYTES
from gateway.config.platform_checks import SHORTEST_EVENT_KEY_BYTES

if TYPE_CHECKING:
    from gateway.config.identity_sections import Identity
    from gateway.config.model import Config
    from gateway.config.platform_sections import Platform, PlatformCall
    from gateway.config.sections import Secrets, Store

_MADE_BYTES = 48
_PRIVATE_KEY = re.compile(rb"-----BEGIN ((?:RSA )?PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


def keys_of(section: str, given: Secrets | Identity, store: Store) -> tuple[bytes, ...]:
    """The keys of `section` ("secrets" or "identity"), oldest first.

    Made in the state directory where none are given and the store is the embedded one. Raises ConfigFaults.
    """
    if given.keys:
        return tuple(key.encode() for key in given.keys)
    if given.key_file:
        return read_key_file(f"{section}.key_file", Path(given.key_file))
    if store.url == "embedded":
        return _made_once(f"{section}.key_file", Path(store.state_dir) / f"{section}.keys")
    raise ConfigFaults([Fault(f"{section}.keys", "", "is missing")])


def read_private_keys(name: str, path: Path) -> tuple[bytes, ...]:
    """The private keys in `path`, PEM blocks one after the other, oldest first. Raises ConfigFaults likewise."""
    shown = f'"{path}"'
    try:
        text = path.read_bytes()
    except OSError as error:  # absent, a directory, not ours to read
        raise ConfigFaults([Fault(name, shown, f"cannot be read: {error.strerror}")]) from error
    blocks = tuple(match.group() for match in _PRIVATE_KEY.finditer(text))
    if not blocks:
        raise ConfigFaults([Fault(name, shown, "holds no private key (PEM, without a passphrase)")])
    return blocks


def event_keys_of(platform: Platform) -> tuple[bytes, ...]:
    """What the platform signs its events with, oldest first; empty where it tells none. Raises ConfigFaults."""
    if platform.event_key_file and not platform.event_keys:
        return read_key_file("platform.event_key_file", Path(platform.event_key_file), SHORTEST_EVENT_KEY_BYTES)
    return tuple(key.encode() for key in platform.event_keys)


def call_keys_of(name: str, call: PlatformCall) -> tuple[bytes, ...]:
    """The keys of one call of [platform], the key `name`: secrets, or private keys as PEM; oldest first.

    Empty where it has none of its own, and signs with those of [identity]. Raises ConfigFaults.
    """
    if call.keys or not call.key_file:
        return tuple(key.encode() for key in call.keys)
    path = Path(call.key_file)
    try:
        return read_private_keys(name, path)
    except ConfigFaults:  # no private keys, so secrets; or nothing that can be read, which is told anew
        return read_key_file(name, path, SHORTEST_EVENT_KEY_BYTES)


def keys_as_text(name: str, keys: Sequence[bytes]) -> Sequence[bytes]:
    """`keys`, the last of which can be said to a platform. Raises ConfigFaults."""
    try:
        _ = keys[-1].decode() if keys else ""
    except UnicodeDecodeError as error:
        raise ConfigFaults([Fault(name, "(not shown)", "the last key is no text")]) from error
    return keys


def shared_faults(config: Config) -> list[Fault]:
    """Keys that a platform knows and that [secrets] holds as well. Raises ConfigFaults. No key is made."""
    if not config.secrets.keys and not config.secrets.key_file:
        return []
    given: dict[str, Sequence[bytes]] = {}
    identity, platform = config.identity, config.platform
    if (identity.keys or identity.key_file) and not identity.by_private_key:
        given[f"identity.{'keys' if identity.keys else 'key_file'}"] = keys_of("identity", identity, config.store)
    given["platform.event_key_file" if platform.event_key_file else "platform.event_keys"] = config.event_keys()
    for number, call in enumerate(platform.calls):
        name = f"platform.calls[{number}].{'key_file' if call.key_file else 'keys'}"
        given[name] = call_keys_of(name, call)
    ours = set(config.secret_keys())
    reason = "must be other keys than those of secrets: whoever has one can forge passes"
    return [Fault(name, "(not shown)", reason) for name, keys in given.items() if ours & set(keys)]


def read_key_file(name: str, path: Path, shortest: int = SHORTEST_KEY_BYTES) -> tuple[bytes, ...]:
    """The keys in `path`: one a line, oldest first. Raises ConfigFaults that speaks of the key `name`."""
    shown = f'"{path}"'
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:  # absent, a directory, not ours to read
        raise ConfigFaults([Fault(name, shown, f"cannot be read: {error.strerror}")]) from error
    keys = tuple(line.strip() for line in lines if line.strip())
    if not keys:
        raise ConfigFaults([Fault(name, shown, "holds no key")])
    faults = [
        Fault(name, shown, f"key {number} must be at least {shortest} bytes long, is {len(key)}")
        for number, key in enumerate(keys, 1)
        if len(key) < shortest
    ]
    if faults:
        raise ConfigFaults(faults)
    return keys


def _made_once(name: str, path: Path) -> tuple[bytes, ...]:
    if not path.exists():
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_whole(path, secrets.token_urlsafe(_MADE_BYTES).encode() + b"\n")
        except OSError as error:  # a read-only disk, a file where the directory should be
            reason = f"cannot hold our keys: {error.strerror}"
            raise ConfigFaults([Fault("store.state_dir", f'"{path.parent}"', reason)]) from error
    return read_key_file(name, path)


def _write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path` at once, readable by us alone; whoever was there first stays."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:  # another gateway made its keys in the meantime: use those
            return
    finally:
        Path(draft).unlink()
