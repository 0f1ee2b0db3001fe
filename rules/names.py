"""Names of people, as they write them.

Rule that holds here: a cleaned name is one line of visible text that cannot turn or hide the text around it, and
cleaning it again changes nothing. A name is never an identity.
"""

from __future__ import annotations

import unicodedata

MAX_NAME = 80  # characters (code points)

_JOINERS = "\u200c\u200d"  # Persian, Indic scripts and some emoji are spelt with them
# Control, format (bidi, zero width, tags), surrogate and private use characters.
_REMOVED = frozenset({"Cc", "Cf", "Cs", "Co"})
_INVISIBLE = frozenset({"Mn", "Me", "Zs"})


def clean_name(text: str) -> str:
    """The name that is shown and stored: NFC, without control and bidi characters, white space folded, 80 characters.

    Empty when nothing visible is left, such as from white space, joiners and combining marks alone.
    """
    return clean_text(text, MAX_NAME)


def clean_text(text: str, most: int) -> str:
    """A line of somebody's words, cleaned as a name is, of at most `most` characters."""
    kept = "".join(" " if sign.isspace() else sign for sign in text if sign.isspace() or _stays(sign))
    folded = " ".join(unicodedata.normalize("NFC", kept).split())
    name = folded[:most].strip(" " + _JOINERS)
    return name if any(_shows(sign) for sign in name) else ""


def _stays(sign: str) -> bool:
    return sign in _JOINERS or unicodedata.category(sign) not in _REMOVED


def _shows(sign: str) -> bool:
    return sign not in _JOINERS and unicodedata.category(sign) not in _INVISIBLE
