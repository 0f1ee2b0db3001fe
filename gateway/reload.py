"""A reload: the configuration is read again, and what may change in a running process is made of it, or nothing is.

Rule that holds here: everything that can go wrong goes wrong here, before anything has changed; what is handed over
can be put in place without fail. What a restart is needed for keeps its value, and is named.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.config import Config, ConfigFaults, Fault, check_together, load, read_certificate
from gateway.config.keys import shared_faults
from gateway.edge.assets import Assets
from gateway.edge.parts import Renewable
from gateway.edge.template_faults import template_faults
from gateway.integrations.platforms.prepared import call_faults
from gateway.platform_side import build_credentials
from gateway.services import build_renewable

WHOLE = ("routes", "pages", "secrets", "log")  # sections that are taken over as they are
SINGLE: Mapping[str, tuple[str, ...]] = {  # of others, the keys that are
    "server": ("tls_certificate", "tls_key"),
    "identity": ("keys", "key_file"),
    "platform": ("event_keys", "event_key_file"),
}


@dataclass(frozen=True, slots=True)
class Reload:
    """Everything that is to be put in place, and `waiting`: the keys that changed and wait for a restart."""

    config: Config
    made: Renewable
    certificate: ssl.SSLContext | None
    waiting: tuple[str, ...]


def prepare(before: Config, config_file: Path | None, environ: Mapping[str, str], assets: Assets) -> Reload:
    """Read the configuration again, check all of it, and make what is new. Raises ConfigFaults; changes nothing."""
    asked = load(config_file, environ)
    config = in_effect(before, asked)
    faults = [*dict.fromkeys((*file_faults(config), *_between(before, config)))]
    if faults:
        raise ConfigFaults(faults)
    certificate = read_tls(config)
    return Reload(config, build_renewable(config, assets), certificate, tuple(_changed(config, asked)))


def in_effect(before: Config, asked: Config) -> Config:
    """`before` with all that a reload may change taken from `asked`."""
    changes: dict[str, object] = {name: getattr(asked, name) for name in WHOLE}
    for name, keys in SINGLE.items():
        section = getattr(asked, name)
        changes[name] = getattr(before, name).model_copy(update={key: getattr(section, key) for key in keys})
    return before.model_copy(update=changes)


def file_faults(config: Config) -> list[Fault]:
    """What is wrong with the files that the configuration names, beside those that `load` has looked at."""
    folder = config.pages.templates_dir
    found = template_faults(Path(folder), config.policy()) if folder else []
    faults = [Fault("pages.templates_dir", "", str(fault)) for fault in found]
    for made in (read_tls, build_credentials):
        try:
            made(config)
        except ConfigFaults as error:
            faults += error.faults
    faults += call_faults(config)
    return faults or shared_faults(config)


def read_tls(config: Config) -> ssl.SSLContext | None:
    """What the public listener shows; none: it speaks in the clear. Raises ConfigFaults."""
    server = config.server
    return read_certificate(server.tls_certificate, server.tls_key) if server.tls_certificate else None


def _between(before: Config, config: Config) -> Iterator[Fault]:
    """What does not go together: what is new, and what stays as it is until a restart."""
    for check in check_together(config):
        yield check.fault
    if bool(before.server.tls_certificate) is not bool(config.server.tls_certificate):
        reason = "TLS is begun or ended by a restart only"
        yield Fault("server.tls_certificate", f'"{config.server.tls_certificate}"', reason)


def _changed(config: Config, asked: Config) -> Iterator[str]:
    for name in Config.model_fields:
        here, there = getattr(config, name), getattr(asked, name)
        if here != there:
            yield from (f"{name}.{key}" for key in type(here).model_fields if getattr(here, key) != getattr(there, key))
