"""The pictures of docs/ are those that `make pictures` takes; each is shown, told in words, and light enough."""

from __future__ import annotations

import re
from pathlib import Path

from tools.pictures import PICTURES, names

DOCS = PICTURES.parent
SHOWN = re.compile(r'(?:src|srcset)="(pictures/[^"]+)"')
MOST_BYTES = 1_500_000


def test_the_folder_holds_what_the_script_takes() -> None:
    assert {file.name for file in PICTURES.iterdir()} == names(), "run: make pictures"


def test_every_picture_is_shown_and_every_picture_shown_is_there() -> None:
    shown = {name for page in DOCS.glob("*.md") for name in SHOWN.findall(page.read_text("utf-8"))}
    assert {Path(name).name for name in shown} == names()


def test_every_picture_is_told_in_words_to_whoever_does_not_see_it() -> None:
    for page in DOCS.glob("*.md"):
        for tag in re.findall(r"<img [^>]*>", page.read_text("utf-8")):
            assert re.search(r'alt="[^"]{10,}"', tag), (page.name, tag)


def test_the_pictures_stay_light() -> None:
    assert sum(file.stat().st_size for file in PICTURES.iterdir()) < MOST_BYTES
