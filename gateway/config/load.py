"""From a TOML file and the environment to a `Config`, or to every fault at once.

Rule that holds here: the environment wins over the file, the file over the defaults. A faulty key is reported and then
left out, so that what is wrong elsewhere is found in the same pass.
"""

from __future__ import annotations

import itertools
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from gateway.config.authorities import read_authorities
from gateway.config.checks import check_together
from gateway.config.faults import ConfigFaults, Fault, fault_from, suggestion
from gateway.config.keys import call_keys_of, event_keys_of, read_key_file, read_private_keys
from gateway.config.model import Config

ENVIRONMENT_PREFIX = "LINK_GATEWAY__"

Tree = dict[str, Any]


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The configuration of the file at `path` (none: defaults alone) under what `environ` overrides.

    Raises ConfigFaults with every fault: of the file's form, of single values, between keys, and of key files.
    """
    tree = {} if path is None else _read_file(path)
    faults = list(_override(tree, environ))
    config, more = _validate(tree)
    faults += more
    faults += _between(config, {fault.key for fault in faults})
    if faults:
        raise ConfigFaults(sorted(faults, key=lambda fault: fault.key))
    return config


def _read_file(path: Path) -> Tree:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:  # absent, a directory, not ours to read
        raise ConfigFaults([Fault(str(path), "", f"cannot be read: {error.strerror}")]) from error
    except ValueError as error:  # not TOML, or not UTF-8; the parser's message shows a place, never a value
        raise ConfigFaults([Fault(str(path), "", f"is not TOML: {error}")]) from error


def _override(tree: Tree, environ: Mapping[str, str]) -> Iterator[Fault]:
    """Put the environment's values into `tree`; a name that leads nowhere is a fault."""
    for name in sorted(environ):
        if not name.startswith(ENVIRONMENT_PREFIX):
            continue
        steps = [step.lower() for step in name.removeprefix(ENVIRONMENT_PREFIX).split("__")]
        field = _field(Config, steps)
        if field is None:
            known = [_environment_name(place) for place in _places(Config)]
            yield Fault(name, "", "unknown key" + suggestion(name, known))
            continue
        node = tree
        for step in steps[:-1]:
            node = node.setdefault(step, {})
            if not isinstance(node, dict):  # the file has a value where a section should be: reported later
                break
        else:
            node[steps[-1]] = environ[name] if _is_text(field) else _from_json(environ[name])


def _field(model: type[BaseModel], steps: list[str]) -> FieldInfo | None:
    field = model.model_fields.get(steps[0])
    for step in steps[1:]:
        below = field.annotation if field is not None else None
        field = below.model_fields.get(step) if isinstance(below, type) and issubclass(below, BaseModel) else None
    return field


def _places(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        below = field.annotation
        if isinstance(below, type) and issubclass(below, BaseModel):
            yield from _places(below, (*above, name))
        else:
            yield (*above, name)


def _environment_name(place: tuple[str, ...]) -> str:
    return ENVIRONMENT_PREFIX + "__".join(place).upper()


def _is_text(field: FieldInfo) -> bool:
    return field.annotation is str or get_origin(field.annotation) is Literal


def _from_json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:  # then it is no number, list or truth value either, and the model says so
        return text


def _validate(tree: Tree) -> tuple[Config, list[Fault]]:
    """The configuration without the faulty keys, and a fault for each of those."""
    faults: list[Fault] = []
    while True:
        try:
            return Config.model_validate(tree), faults
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                faults.append(fault_from(detail, _known_keys))
                _leave_out(tree, detail["loc"])


def _known_keys(section: str) -> list[str]:
    """The key names that may stand in `section`, as the file writes it; "" is the top."""
    model: Any = Config
    for step in filter(None, section.split(".")):
        name, is_row, _ = step.partition("[")
        model = model.model_fields[name].annotation
        model = get_args(model)[0] if is_row else model
    return [field.alias or name for name, field in getattr(model, "model_fields", {}).items()]


def _leave_out(tree: Tree, location: tuple[int | str, ...]) -> None:
    """Drop the key at `location`; of a list the whole list, and the whole section where the key is not there."""
    keys = list(itertools.takewhile(lambda step: isinstance(step, str), location))
    node: Any = tree
    for key in keys[:-1]:
        node = node.get(key) if isinstance(node, dict) else None
    if not isinstance(node, dict) or node.pop(keys[-1], None) is None:
        tree.pop(str(location[0]), None)


def _between(config: Config, faulty: set[str]) -> Iterator[Fault]:
    def is_faulty(key: str) -> bool:
        return any(each == key or each.startswith((f"{key}[", f"{key}.")) for each in faulty)

    for check in check_together(config):
        if not any(is_faulty(key) for key in (check.fault.key, *check.with_keys)):
            yield check.fault
    if config.upstream.ca_file:
        try:
            read_authorities("upstream.ca_file", Path(config.upstream.ca_file))
        except ConfigFaults as error:
            yield from error.faults
    yield from _platform_files(config)
    told_by = read_private_keys if config.identity.by_private_key else read_key_file
    for section, given, read in (("secrets", config.secrets, read_key_file), ("identity", config.identity, told_by)):
        if given.key_file and not given.keys:
            try:
                read(f"{section}.key_file", Path(given.key_file))
            except ConfigFaults as error:
                yield from error.faults


def _platform_files(config: Config) -> Iterator[Fault]:
    if config.platform.kind:
        try:
            event_keys_of(config.platform)
        except ConfigFaults as error:
            yield from error.faults
    for number, call in enumerate(config.platform.calls):
        try:
            call_keys_of(f"platform.calls[{number}].key_file", call)
        except ConfigFaults as error:
            yield from error.faults
