from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

from rules.model import GuestState, Status
from rules.moves import GUEST_MOVES, SESSION_TURNS, Move

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw_door_states", DOCS / "draw_door_states.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def words(svg: str, kind: str) -> list[str]:
    """The texts of one class in the picture."""
    return re.findall(rf'<text class="{kind}"[^>]*>([^<]*)</text>', svg)


def test_the_committed_picture_is_what_the_tables_draw(drawing: ModuleType) -> None:
    assert drawing.PICTURE.read_text(encoding="utf-8") == drawing.draw(), (
        "run: PYTHONPATH=. python docs/draw_door_states.py"
    )


def test_the_picture_is_well_formed(drawing: ModuleType) -> None:
    assert ET.fromstring(drawing.draw()).tag == "{http://www.w3.org/2000/svg}svg"


def test_every_state_has_its_box(drawing: ModuleType) -> None:
    assert set(drawing.GUEST_PLACES) == {None, *GuestState}
    assert set(drawing.SESSION_PLACES) == set(Status)


def test_every_move_stands_in_the_grid(drawing: ModuleType) -> None:
    svg = drawing.draw()
    assert len(words(svg, "same")) + len(words(svg, "after")) == len(GUEST_MOVES)
    assert svg.count('class="cell"') == (1 + len(GuestState)) * len(Move)


def test_every_turn_of_a_session_is_drawn_or_told(drawing: ModuleType) -> None:
    changes = {(before, after) for (before, _), after in SESSION_TURNS.items() if before is not after}
    assert set(drawing.SESSION_LINES) == changes


def test_a_line_that_stands_for_nothing_is_an_error(drawing: ModuleType) -> None:
    lines = {(GuestState.REMOVED, GuestState.INSIDE): ("M0 0", 0, 0)}
    with pytest.raises(ValueError, match="no table leads from removed to inside"):
        list(drawing._picture(GUEST_MOVES, drawing.GUEST_PLACES, lines))
