"""What is looked for in a platform's answer: a value under a JSON pointer, or the text of an XML element.

Rule that holds here: an answer is the platform's, not ours: whatever is not where it should be is simply not found.
XML is never parsed as a whole, so that no entity of it means anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import unescape
from typing import Any

LONGEST = 2048
_QUOTED = re.compile(r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)", re.DOTALL)  # comments and words of others


def find_values(places: Mapping[str, str], text: str) -> dict[str, str]:
    """What stands at each place: a pointer (RFC 6901) begins with a slash, anything else names an XML element."""
    document, found = _document(text) if any(p.startswith("/") for p in places.values()) else None, {}
    for name, place in places.items():
        value = _at(document, place) if place.startswith("/") else _element(text, place)
        if value is not None and 0 < len(value) <= LONGEST and value.isprintable():
            found[name] = value
    return found


def every_value(name: str, text: str) -> frozenset[str]:
    """All texts that members of this name hold, however deep in a JSON document; or elements of this name, in XML."""
    document = _document(text)
    if document is None:
        return frozenset(unescape(found.strip()) for found in _elements(text, name))
    found, left = set[str](), [document]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            found |= {value for key, value in node.items() if key == name and isinstance(value, str)}
        left += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return frozenset(found)


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _at(document: Any, pointer: str) -> str | None:
    for step in pointer[1:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list):
            document = document[int(name)] if name.isdecimal() and int(name) < len(document) else None
        else:
            document = document.get(name) if isinstance(document, dict) else None
    if isinstance(document, bool) or not isinstance(document, str | int):
        return None
    return str(document)


def _element(text: str, name: str) -> str | None:
    found = _elements(text, name)
    return unescape(found[0].strip()) if found else None


def _elements(text: str, name: str) -> list[str]:
    found: list[str] = re.findall(
        rf"<{re.escape(name)}(?:\s[^<>]*)?>([^<]*)</{re.escape(name)}\s*>", _QUOTED.sub("", text)
    )
    return found
