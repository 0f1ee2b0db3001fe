# ruff: noqa: INP001 - docs/ is no package
"""Draws docs/door-states.svg from the tables of rules.moves.

Rule that holds here: every word in the picture comes from the tables. Only places and lines are laid by hand, and a
line whose pair of states is in no table is an error. What the picture leaves out, the grid below it shows.

    PYTHONPATH=. python docs/draw_door_states.py
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from html import escape
from pathlib import Path
from typing import TypeVar

from rules.model import GuestState, Status
from rules.moves import GUEST_MOVES, SESSION_TURNS, Move

PICTURE = Path(__file__).with_name("door-states.svg")
WIDTH, HEIGHT = 1160, 970
BOX_WIDTH, BOX_HEIGHT = 112, 40
GRID_TOP, GRID_LEFT, ROW, COLUMN = 440, 92, 26, 56
SESSION_TOP = 800

S, T = GuestState, Status

# The middle of each state's box.
GUEST_PLACES: Mapping[GuestState | None, tuple[int, int]] = {
    None: (76, 220),
    S.CLAIMED: (216, 100),
    S.WAITING: (330, 220),
    S.MOVED: (130, 350),
    S.ON_HOLD: (610, 100),
    S.ADMITTED: (610, 220),
    S.DENIED: (430, 350),
    S.INSIDE: (860, 220),
    S.REMOVED: (860, 350),
    S.OUT: (1080, 220),
}
# The way a guest usually takes: the line, and the middle of its words.
GUEST_LINES: Mapping[tuple[GuestState | None, GuestState | None], tuple[str, int, int]] = {
    (None, S.WAITING): ("M132 220 H274", 203, 213),
    (S.CLAIMED, S.WAITING): ("M212 120 L276 200", 206, 166),
    (S.WAITING, S.CLAIMED): ("M306 200 L242 120", 316, 158),
    (S.WAITING, S.ON_HOLD): ("M386 206 L554 116", 446, 152),
    (S.ON_HOLD, S.ADMITTED): ("M610 120 V200", 634, 164),
    (S.WAITING, S.ADMITTED): ("M386 214 H554", 470, 207),
    (S.ADMITTED, S.WAITING): ("M554 230 H386", 470, 246),
    (S.ADMITTED, S.INSIDE): ("M666 220 H804", 735, 213),
    (S.INSIDE, S.ON_HOLD): ("M830 200 Q790 110 666 100", 790, 128),
    (S.INSIDE, S.OUT): ("M916 214 H1024", 968, 190),
    (S.OUT, S.INSIDE): ("M1024 230 H916", 968, 246),
    (S.OUT, S.WAITING): ("M1080 200 C1080 0 430 0 366 200", 720, 46),
    (S.WAITING, S.MOVED): ("M296 240 L160 330", 196, 282),
    (S.MOVED, S.WAITING): ("M180 330 L314 240", 284, 302),
    (S.WAITING, S.DENIED): ("M344 240 L412 330", 352, 302),
    (S.DENIED, S.WAITING): ("M438 330 L362 240", 452, 282),
    (S.DENIED, S.OUT): ("M486 354 C700 430 1100 430 1088 240", 680, 396),
    (S.INSIDE, S.REMOVED): ("M860 240 V330", 888, 290),
    (S.REMOVED, S.OUT): ("M916 344 Q1010 330 1050 240", 978, 322),
}
SESSION_PLACES: Mapping[Status, tuple[int, int]] = {
    T.OPEN: (430, SESSION_TOP + 90),
    T.CANCELLED: (730, SESSION_TOP + 50),
    T.OVER: (730, SESSION_TOP + 130),
    T.ENDED: (130, SESSION_TOP + 90),
}
SESSION_LINES: Mapping[tuple[Status, Status], tuple[str, int, int]] = {
    (T.OPEN, T.CANCELLED): ("M486 880 L674 854", 580, 858),
    (T.OPEN, T.OVER): ("M486 894 L674 920", 580, 896),
    (T.OVER, T.OPEN): ("M674 934 L486 904", 574, 938),
    (T.OPEN, T.ENDED): ("M374 884 H186", 280, 877),
    (T.ENDED, T.OPEN): ("M186 898 H374", 280, 914),
}

STYLE = """
svg {
  --paper: #fff; --ink: #1c2733; --soft: #5b6b7a; --line: #8796a5; --box: #eef4fa; --edge: #3f78ad; --cell: #f4f6f8;
}
@media (prefers-color-scheme: dark) {
  svg {
    --paper: #10171e; --ink: #e7edf3; --soft: #a3b1be; --line: #6d7d8c;
    --box: #1b2a38; --edge: #6aa9e0; --cell: #18212a;
  }
}
text { font: 12px system-ui, sans-serif; fill: var(--ink); text-anchor: middle }
.title { font-size: 17px; font-weight: 600; text-anchor: start }
.about { fill: var(--soft); text-anchor: start }
.state { font-size: 14px; font-weight: 600 }
.word { fill: var(--soft); paint-order: stroke; stroke: var(--paper); stroke-width: 4px }
.row { font-weight: 600; text-anchor: end }
.after { font-size: 11px }
.same { fill: var(--soft) }
.box { fill: var(--box); stroke: var(--edge); stroke-width: 1.5 }
.none { stroke-dasharray: 4 3 }
.cell { fill: var(--cell) }
.line { fill: none; stroke: var(--line); stroke-width: 1.5; marker-end: url(#arrow) }
#arrow path { fill: var(--line) }
"""

State = TypeVar("State", bound="StrEnum | None")
Event = TypeVar("Event", bound=StrEnum)


def draw() -> str:
    """The whole picture. Raises ValueError when a line stands for nothing in the tables."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t">',
        '<title id="t">The states of a guest at a door, and of a session</title>',
        f"<style>{STYLE}</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">',
        '<path d="M0 0 L8 4 L0 8 z"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" style="fill: var(--paper)"/>',
        *_heading(
            30, "A guest at a door", "Lines: what befalls a guest on the usual ways. All moves stand in the grid."
        ),
        *_picture(GUEST_MOVES, GUEST_PLACES, GUEST_LINES),
        *_grid(),
        *_heading(SESSION_TOP, "A session as a whole", "Rooms stay open."),
        *_picture(SESSION_TURNS, SESSION_PLACES, SESSION_LINES),
        *_stays(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _heading(top: int, title: str, about: str) -> Iterator[str]:
    yield f'<text class="title" x="20" y="{top}">{escape(title)}</text>'
    yield f'<text class="about" x="20" y="{top + 20}">{escape(about)}</text>'


def _picture(
    table: Mapping[tuple[State, Event], State],
    places: Mapping[State, tuple[int, int]],
    lines: Mapping[tuple[State, State], tuple[str, int, int]],
) -> Iterator[str]:
    """Boxes and lines of one machine."""
    for (before, after), (path, x, y) in lines.items():
        words = [event.value for (state, event), then in table.items() if state == before and then == after]
        if not words:
            raise ValueError(f"no table leads from {before} to {after}")
        yield f'<path class="line" d="{path}"/>'
        yield f'<text class="word" x="{x}" y="{y}">{escape(", ".join(words))}</text>'
    for state, (x, y) in places.items():
        left, top = x - BOX_WIDTH // 2, y - BOX_HEIGHT // 2
        kind = "box none" if state is None else "box"
        yield f'<rect class="{kind}" x="{left}" y="{top}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8"/>'
        yield f'<text class="state" x="{x}" y="{y + 5}">{escape(_name(state))}</text>'


def _grid() -> Iterator[str]:
    """Every move from every state. An empty cell: the move is refused."""
    yield from _heading(
        GRID_TOP, "Every move", "From the state on the left; an empty field is refused, = stays as it was."
    )
    top = GRID_TOP + 52
    for column, move in enumerate(Move):
        yield f'<text x="{_column(column)}" y="{top}">{escape(move.value)}</text>'
    for row, state in enumerate((None, *GuestState)):
        y = top + (row + 1) * ROW
        yield f'<text class="row" x="{GRID_LEFT - 10}" y="{y}">{escape(_name(state))}</text>'
        for column, move in enumerate(Move):
            x = _column(column)
            yield f'<rect class="cell" x="{x - COLUMN // 2 + 1}" y="{y - 17}" width="{COLUMN - 2}" height="24"/>'
            if (state, move) in GUEST_MOVES:
                after = GUEST_MOVES[state, move]
                word, kind = ("=", "same") if after == state else (_name(after), "after")
                yield f'<text class="{kind}" x="{x}" y="{y}">{escape(word)}</text>'


def _stays() -> Iterator[str]:
    """What leaves a session's state as it was, in words."""
    for row, status in enumerate(Status):
        words = [turn.value for (state, turn), after in SESSION_TURNS.items() if state is status and after is status]
        text = f"{_name(status)} stays so: {', '.join(words)}"
        yield f'<text class="about" x="850" y="{SESSION_TOP + 60 + row * 22}">{escape(text)}</text>'


def _column(number: int) -> int:
    return GRID_LEFT + number * COLUMN + COLUMN // 2


def _name(state: StrEnum | None) -> str:
    return "no record" if state is None else state.value.replace("_", " ")


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
