"""In which language a page speaks: one of those on offer, as near as possible to what its reader asked for.

Rule that holds here: what was asked for on the page itself goes before what the browser prefers, and that before the
clinic's own. What is not on offer is never chosen; text from outside that cannot be read counts as nothing said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

MOST_PREFERENCES = 20
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}")
_WEIGHT = re.compile(r"q=(1(\.0{0,3})?|0(\.\d{0,3})?)")
# Where a tag names a country and no script, the script that is read there.
_SCRIPTS = {"zh": "zh-Hans", "zh-cn": "zh-Hans", "zh-sg": "zh-Hans", "zh-my": "zh-Hans"}
_OTHER_SCRIPTS = frozenset({"zh-hant", "zh-tw", "zh-hk", "zh-mo"})


def offered(speaks: Sequence[str], clinic: Sequence[str]) -> tuple[str, ...]:
    """The languages of a clinic's pages, its own first choice first.

    `speaks`: those of the gateway, never empty. `clinic`: those the clinic names; none, or none that the gateway
    speaks, means all of the gateway's.
    """
    return tuple(dict.fromkeys(tag for tag in clinic if tag in speaks)) or tuple(speaks)


def choose_language(offer: Sequence[str], asked: str | None, kept: str | None, accepts: str) -> str:
    """The language of a page.

    Args: `offer`, in order of preference, never empty; `asked` for by the address; `kept` from an earlier choice;
    `accepts`, the value of Accept-Language. All three are as they came in.
    """
    for wanted in (asked, kept):
        if wanted is not None and wanted in offer:
            return wanted
    for tag in _preferred(accepts):
        if (found := _matching(tag, offer)) is not None:
            return found
    return offer[0]


def _preferred(accepts: str) -> Iterator[str]:
    """The tags of an Accept-Language value, the most wanted first."""
    weighed = []
    for part in accepts.split(",", MOST_PREFERENCES)[:MOST_PREFERENCES]:
        tag, _, weight = (text.strip() for text in part.partition(";"))
        found = _WEIGHT.fullmatch(weight.replace(" ", "")) if weight else None
        if _TAG.fullmatch(tag) and (found or not weight):
            weighed.append((float(found[1]) if found else 1.0, tag.lower()))
    yield from (tag for weight, tag in sorted(weighed, key=lambda pair: -pair[0]) if weight > 0)


def _matching(tag: str, offer: Sequence[str]) -> str | None:
    """What is on offer for this tag: the same, or the same language with less said of where it is spoken."""
    if any(tag == other or tag.startswith(f"{other}-") for other in _OTHER_SCRIPTS):
        return None
    by_tag = {each.lower(): each for each in offer}
    while tag:
        found = by_tag.get(tag) or by_tag.get(_SCRIPTS.get(tag, "").lower())
        if found is not None:
            return found
        tag = tag.rpartition("-")[0]
    return None
