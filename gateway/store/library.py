"""The Lua scripts, and the check that every call fits the header of the script it names.

Rule that holds here: a script's header is its contract. KEYS lists kinds of keys (a group in brackets with a star
repeats), ARGV lists names; `prepare` refuses a call that differs, and `check` the scripts that lack a part.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from gateway.store.errors import ScriptMismatch
from gateway.store.keys import kind_of, slot_of

NAMES = ("read", "commit", "beat", "append", "settle")
MOST_LINES = 40
_HEADER = re.compile(r"^-- (KEYS|ARGV|Returns|Guarantee): (.+)$", re.MULTILINE)
_GROUP = re.compile(r"^(?P<fixed>[^()]*?)\s*(?:\((?P<each>[^()]+)\)\*)?$")
_ENOUGH_MEMORY = "allow-oom"


@dataclass(frozen=True, slots=True)
class Script:
    """One script: its text, and what its header promises to be called with."""

    name: str
    text: str
    keys: tuple[str, ...]  # kinds of the first keys
    each: tuple[str, ...]  # kinds of the group that repeats after them
    arguments: tuple[str, ...]

    @property
    def digest(self) -> str:
        """The name under which the server keeps it."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    def prepare(self, keys: Sequence[str], arguments: Mapping[str, str | int]) -> list[str | int]:
        """The call's tail: number of keys, keys, arguments in order. Raises ScriptMismatch if it does not fit."""
        rest = len(keys) - len(self.keys)
        if rest < 0 or (rest and not self.each) or (self.each and rest % len(self.each)):
            raise ScriptMismatch(f"{self.name}: {len(keys)} keys do not fit its header")
        kinds = self.keys + self.each * (rest // len(self.each) if self.each else 0)
        for key, kind in zip(keys, kinds, strict=True):
            if kind_of(key) != kind or slot_of(key) != slot_of(keys[0]):
                raise ScriptMismatch(f"{self.name}: expected a key of kind {kind}, in one slot, not {key}")
        if set(arguments) != set(self.arguments):
            raise ScriptMismatch(f"{self.name}: takes {self.arguments}, not {tuple(arguments)}")
        return [len(keys), *keys, *(arguments[name] for name in self.arguments)]


def parse_script(name: str, text: str) -> Script:
    """Read a script's header. Raises ScriptMismatch when a part is missing, or the script is too long to review."""
    head = dict(_HEADER.findall(text))
    if f"-- {name}: " not in text or set(head) != {"KEYS", "ARGV", "Returns", "Guarantee"}:
        raise ScriptMismatch(f"{name}: the header lacks its purpose, KEYS, ARGV, Returns or Guarantee")
    if len(text.splitlines()) > MOST_LINES:
        raise ScriptMismatch(f"{name}: longer than {MOST_LINES} lines")
    group = _GROUP.match(head["KEYS"])
    if group is None or not text.startswith("#!lua"):
        raise ScriptMismatch(f"{name}: KEYS or the first line cannot be read")
    each = tuple((group["each"] or "").split())
    return Script(name, text, tuple(group["fixed"].split()), each, tuple(head["ARGV"].split()))


def on_full_store(script: Script) -> Script:
    """The same script, allowed to write when the store is full: for what must work then, such as ending a session."""
    first, rest = script.text.split("\n", 1)
    if _ENOUGH_MEMORY in first or "no-writes" in first:
        return script
    text = f"{first} flags={_ENOUGH_MEMORY}\n{rest}"
    return Script(script.name, text, script.keys, script.each, script.arguments)


def load_scripts() -> Mapping[str, Script]:
    """All scripts by name, each checked. Raises ScriptMismatch; a start with a broken script must fail."""
    folder = files("gateway.store") / "scripts"
    return {name: parse_script(name, (folder / f"{name}.lua").read_text(encoding="utf-8")) for name in NAMES}
