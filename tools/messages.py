"""The catalogues of the pages' words: `python -m tools.messages update` and `check`.

Rule that holds here: the templates and the code say which messages there are; a catalogue only translates them. What is
written depends on nothing but its input, so that an update without changes writes the same bytes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from gateway.config.sections import Pages
from gateway.edge.languages import NAMES, SOURCE, catalogue_of
from tools.message_faults import catalogue_faults, missing_faults, unmarked_texts

ROOT = Path(__file__).parent.parent
TEMPLATES = ROOT / "gateway" / "templates"
NOT_TRANSLATED = frozenset({"api_reference.html"})  # for programmers, in English like the API itself
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
_OPTIONS = {"templates/**.html": {"silent": "false", "newstyle_gettext": "true", "trimmed": "true"}}
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
_DATES = re.compile(
    rb'^"(POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team|Generated-By|Report-Msgid-Bugs-To).*\n',
    re.MULTILINE,
)


def extract() -> Catalog:
    """Every message of templates and code, with the translators' notes that stand before it (`L10N:`)."""
    found = Catalog(project="link-gateway", version="1", copyright_holder="", charset="utf-8", fuzzy=False)
    found.header_comment = "# The words of the link gateway's pages. Made by `make messages`."
    for file, line, message, notes, context in extract_from_dir(
        ROOT / "gateway", _METHODS, _OPTIONS, _KEYWORDS, comment_tags=("L10N:",), strip_comment_tags=True
    ):
        if Path(file).name not in NOT_TRANSLATED:
            found.add(message, None, [(f"gateway/{file}", line)], auto_comments=notes, context=context)
    return found


def read_catalogue(tag: str) -> Catalog:
    """The catalogue of a language, empty where there is none yet."""
    locale = tag.replace("-", "_")
    path = catalogue_of(tag)
    if not path.exists():
        return Catalog(locale=locale, project="link-gateway", version="1", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=locale, abort_invalid=True)


def write_catalogue(path: Path, catalogue: Catalog) -> None:
    """The catalogue as a file, in the order in which the pages use its messages."""
    text = BytesIO()
    write_po(text, catalogue, width=110, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_DATES.sub(b"", text.getvalue()))


def update() -> None:
    """Bring every catalogue up to date with the messages there are."""
    template = extract()
    for tag in NAMES:
        if tag != SOURCE:
            catalogue = read_catalogue(tag)
            catalogue.update(template, update_header_comment=True)
            catalogue.fuzzy = False
            write_catalogue(catalogue_of(tag), catalogue)


def check() -> Iterator[str]:
    """Every fault of templates and catalogues. Languages that are offered unasked must be complete."""
    for path in sorted(TEMPLATES.glob("*.html")):
        if path.name not in NOT_TRANSLATED:
            yield from (f"{path.relative_to(ROOT)}: {fault}" for fault in unmarked_texts(path.read_text("utf-8")))
    template = extract()
    for tag in NAMES:
        path = catalogue_of(tag)
        if tag != SOURCE and path.exists():
            catalogue = read_catalogue(tag)
            yield from (f"{path.relative_to(ROOT)}: {fault}" for fault in catalogue_faults(catalogue))
        if tag != SOURCE and tag in Pages().languages:
            yield from (f"{path.relative_to(ROOT)}: {fault}" for fault in missing_faults(template, read_catalogue(tag)))


def count() -> Iterator[str]:
    """How far each language is."""
    template = extract()
    for tag in NAMES:
        if tag != SOURCE:
            open_ones = len(list(missing_faults(template, read_catalogue(tag))))
            yield f"{tag}: {len(template) - open_ones} of {len(template)} messages"


def main(words: list[str]) -> int:
    """Do what the command line says: `update`, `check` or `count`."""
    match words:
        case ["update"]:
            update()
            print("\n".join(count()))
        case ["count"]:
            print("\n".join(count()))
        case ["check"]:
            faults = list(check())
            print("\n".join(faults) if faults else "messages: no faults", file=sys.stderr if faults else sys.stdout)
            return 1 if faults else 0
        case _:
            print("usage: python -m tools.messages update|check|count", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
