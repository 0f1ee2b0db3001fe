"""What the check of the catalogues finds, and what it lets pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from gateway.config.sections import Pages
from gateway.config.texts import PAGE_LANGUAGES
from gateway.edge.languages import NAMES, SOURCE
from tools import messages
from tools.message_faults import catalogue_faults, missing_faults, unmarked_texts

ONE = "Hello %(name)s"
MANY = ("%(num)s person and %(name)s", "%(num)s people and %(name)s")


Words = str | tuple[str, ...]


def catalogue(*translated: tuple[Words, Words], fuzzy: bool = False) -> Catalog:
    made = Catalog(locale="de")
    for message, text in translated:
        made.add(message, text, flags=["fuzzy"] if fuzzy else [])
    return made


@pytest.mark.parametrize(
    ("message", "text", "fault"),
    [
        (ONE, "Hallo %(name)s", None),
        (ONE, "Hallo", "%(name)s is missing"),
        (ONE, "Hallo %(name)s %(more)s", "%(more)s is not in the message"),
        (ONE, "Hallo %(name)s 100 %", "a percent sign is written %%"),
        (ONE, "Hallo %(name)s 100 %%", None),
        (ONE, "Hallo <b>%(name)s</b>", "holds markup"),
        (ONE, "Hallo %(name)s &nbsp;", "holds markup"),
        (ONE, "Hallo %(name)s ", "begins or ends with a space"),
        (MANY, ("eine Person und %(name)s", "%(num)s Personen und %(name)s"), None),
        (MANY, ("eine Person", "%(num)s Personen und %(name)s"), "%(name)s is missing"),
    ],
)
def test_a_translation_keeps_the_placeholders_and_brings_no_markup(
    message: Words, text: Words, fault: str | None
) -> None:
    found = list(catalogue_faults(catalogue((message, text))))
    assert len(found) == (fault is not None)
    assert all(fault in each for each in found if fault)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (catalogue((ONE, "Hallo %(name)s"), (MANY, ("a", "b"))), None),
        (catalogue((ONE, "Hallo %(name)s")), "is not in the catalogue"),
        (catalogue((ONE, ""), (MANY, ("a", "b"))), "is not translated"),
        (catalogue((ONE, "x"), (MANY, ("a", ""))), "is not translated"),
        (catalogue((ONE, "x"), (MANY, ("a", "b")), ("Gone", "Weg")), "is used no more"),
    ],
)
def test_a_catalogue_has_every_message_and_no_other(given: Catalog, fault: str | None) -> None:
    found = list(missing_faults(catalogue((ONE, ""), (MANY, ("", ""))), given))
    assert len(found) == (fault is not None)
    assert all(fault in each for each in found if fault)


def test_a_guess_is_no_translation() -> None:
    guessed = catalogue((ONE, "Hallo %(name)s"), fuzzy=True)
    assert "fuzzy" in next(missing_faults(catalogue((ONE, "")), guessed))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>{{ _('Hello') }} – {{ name }}</p>", []),
        ("<p>Hello</p>", ["Hello"]),
        ("<p>{{ a }}\nand more</p>", ["and more"]),
        ('<b aria-label="Close">{{ x }}</b>', ["Close"]),
        ('<b class="close" aria-label="{{ _("Close") }}">{{ x }}</b>', []),
        ('{% block main %} data-live data-reason="ended"{% endblock %}', []),
        ("<script>const words = 1;</script><style>p { margin: 0 }</style>{# words #}", []),
    ],
)
def test_words_that_no_catalogue_is_asked_for_are_found(source: str, words: list[str]) -> None:
    found = list(unmarked_texts(source))
    assert len(found) == len(words)
    assert all(word in each for word, each in zip(words, found, strict=True))


def test_an_update_without_changes_writes_the_same_bytes(tmp_path: Path) -> None:
    file = tmp_path / "messages.pot"
    messages.write_catalogue(file, messages.extract())
    once = file.read_bytes()
    messages.write_catalogue(file, messages.extract())
    assert file.read_bytes() == once
    assert b"gateway/templates/hold.html" in once


def test_the_configuration_takes_the_languages_that_pages_exist_in() -> None:
    assert Pages().languages[0] == SOURCE
    assert set(PAGE_LANGUAGES) == set(NAMES)
