"""What is wrong with a configuration, in the words of whoever wrote it.

Rule that holds here: all faults at once, each with the file's own key, the offending value and a reason; a secret
is never shown, not even a part of it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

_PASSWORD = re.compile(r"[^\s\"',\[]*@")  # whatever stands before an @, however malformed the address is
_LONGEST_VALUE = 80
_SECRET = frozenset(
    {
        *("keys", "secrets", "identity", "client_secret", "webhook_secret", "webhook_header_value"),
        *("platform", "event_keys", "calls", "probes", "body"),
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong. `value` is as it may be shown; empty where there is none."""

    key: str
    value: str
    reason: str

    def __str__(self) -> str:
        shown = f" = {self.value}" if self.value else ""
        return f"{self.key}{shown}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Check:
    """A fault between keys: `fault.key` is the one to change, `with_keys` the others it involves."""

    fault: Fault
    with_keys: tuple[str, ...] = ()


class ConfigFaults(Exception):
    """A configuration that cannot be used. `faults` holds every one of them; the text has one a line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def key_name(location: Sequence[str | int]) -> str:
    """A place in the file as its author writes it: `routes[2].path`."""
    name = ""
    for step in location:
        if step == "[key]":  # the name itself is wrong, not what stands under it
            continue
        name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else step
    return name


def shown(value: object, key: str = "") -> str:
    """A value fit to be printed: secrets as their kind, passwords in addresses blanked, long ones cut."""
    steps = [step.partition("[")[0] for step in key.split(".")]
    if steps[-1] in _SECRET or "headers" in steps:
        return "(not shown)"
    text = f'"{_PASSWORD.sub("***@", value)}"' if isinstance(value, str) else _PASSWORD.sub("***@", _toml(value))
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "..."


def suggestion(unknown: str, known: Iterable[str]) -> str:
    """`; did you mean NAME?` where a known name is near, else nothing."""
    near = difflib.get_close_matches(unknown, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def fault_from(detail: ErrorDetails, known: Callable[[str], Iterable[str]]) -> Fault:
    """One of the details of pydantic's ValidationError as a fault.

    `known` gives the key names of a section, for a suggestion.
    """
    location = detail["loc"]
    key = key_name(location)
    if detail["type"] == "extra_forbidden":
        name = str(location[-1])
        return Fault(key, "", "unknown key" + suggestion(name, known(key_name(location[:-1]))))
    if detail["type"] == "missing":
        return Fault(key, "", "is missing")
    return Fault(key, shown(detail["input"], key), _reason(detail))


_REASONS: Mapping[str, str] = {
    "bool_type": "must be true or false",
    "dict_type": "must be a table",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be one of {expected}",
    "model_type": "must be a table",
    "string_type": "must be text in quotes",
    "too_long": "must be at most {max_length}",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "tuple_type": "must be a list",
}


def _reason(detail: ErrorDetails) -> str:
    context: dict[str, Any] = detail.get("ctx", {})
    if detail["type"] == "value_error":
        return str(context["error"])
    plain = {name: f"{fact:g}" if isinstance(fact, float) else fact for name, fact in context.items()}
    return _REASONS.get(detail["type"], detail["msg"]).format(**plain)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{...}"
    return str(value).replace("'", '"')
