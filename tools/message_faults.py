"""What can be wrong with a catalogue, and with a template that should have asked one.

Rule that holds here: faults are sentences that quote the message; nothing is read or written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from babel.messages.catalog import Catalog, Message
from jinja2 import Environment

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_MARKUP = re.compile(r"[<>]|&\w+;")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_COUNT = "num"  # the one placeholder a plural form may go without: "one person", "two people"
_SPOKEN = frozenset({"aria-label", "title", "placeholder", "alt", "data-label", "data-done"})
_ATTRIBUTES = re.compile(r'[\w-]+="[^"]*"|\bdata-[\w-]+')  # in a block that stands inside a tag
_SHOWN = 60


def catalogue_faults(catalogue: Catalog) -> Iterator[str]:
    """What is wrong with the translations that are there."""
    for message in catalogue:
        if message.id:
            for number, text in enumerate(texts_of(message)):
                yield from (f"{quoted(message)}: {fault}" for fault in _text_faults(message, number, text))


def missing_faults(template: Catalog, catalogue: Catalog) -> Iterator[str]:
    """What stops the catalogue from being complete and up to date."""
    for message in template:
        known = catalogue.get(message.id, message.context) if message.id else None
        if not message.id:
            continue
        if known is None:
            yield f"{quoted(message)}: is not in the catalogue; run `make messages`"
        elif known.fuzzy:
            yield f"{quoted(message)}: is marked as fuzzy"
        elif not all(texts_of(known)) or len(texts_of(known)) < (catalogue.num_plurals if known.pluralizable else 1):
            yield f"{quoted(message)}: is not translated"
    for message in catalogue:
        if message.id and template.get(message.id, message.context) is None:
            yield f"{quoted(message)}: is used no more; run `make messages`"


def texts_of(message: Message) -> tuple[str, ...]:
    """The translations of a message: one, or one for each plural form."""
    given = message.string
    return tuple(given) if isinstance(given, list | tuple) else (given or "",)


def quoted(message: Message) -> str:
    """The message as a fault names it."""
    source = message.id[0] if message.pluralizable else message.id
    return f'"{source}"' if len(source) <= _SHOWN else f'"{source[:_SHOWN]}…"'


def _text_faults(message: Message, number: int, text: str) -> Iterator[str]:
    if not text:
        return
    source = message.id if isinstance(message.id, str) else message.id[min(number, 1)]
    wanted, found = set(_PLACEHOLDER.findall(source)), set(_PLACEHOLDER.findall(text))
    optional = {_COUNT} if message.pluralizable else set()
    for name in sorted(found - wanted):
        yield f"%({name})s is not in the message"
    for name in sorted(wanted - found - optional):
        yield f"%({name})s is missing"
    try:
        text % dict.fromkeys(wanted | found, "")
    except (ValueError, TypeError, KeyError):
        yield "a percent sign is written %%"
    if _MARKUP.search(text):
        yield "holds markup: translations are shown as they stand"
    if text.strip() != text:
        yield "begins or ends with a space"


class _Texts(HTMLParser):
    """The literal words of a page: text, and what is read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in {"script", "style"}
        for name, value in attrs:
            if name in _SPOKEN and value:
                self.handle_data(value)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._silent and _LETTERS.search(_ATTRIBUTES.sub("", data)):
            self.found.append((self.getpos()[0], data.strip()))


def unmarked_texts(source: str) -> Iterator[str]:
    """Words of a template that no catalogue is asked for."""
    parser = _Texts()
    parser.feed(_without_code(source))
    for line, text in parser.found:
        yield f'line {line}: "{text[:_SHOWN]}" is not marked for translation'


def _without_code(source: str) -> str:
    """The template without comments, statements and expressions; their lines stay."""
    kept = []
    is_code = False
    for _, kind, text in Environment(autoescape=True).lex(source):
        if kind.endswith("_begin"):
            is_code = True
        kept.append("\n" * text.count("\n") if is_code or kind != "data" else text)
        if kind.endswith("_end"):
            is_code = False
    return "".join(kept)
