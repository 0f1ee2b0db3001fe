"""What is wrong with an operator's own templates: found by compiling each, and by filling every page once.

Rule that holds here: a fault names file and line. Pages are filled with made-up people, through the code that fills
them in earnest; nothing is kept and nobody is asked.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError

from gateway.edge.assets import Assets
from gateway.edge.languages import SOURCE
from gateway.edge.pages import NOTICES, LinkFacts, Pages
from gateway.edge.templating import BUILT_IN
from rules.model import Clinic, Door, DoorKind, Guest, GuestState, Owner, Policy, Role, Room, Seat
from rules.own_words import OwnWords
from rules.reasons import MEANINGS, Outcome, Reason, Verdict
from rules.views import desk_document, guest_document

_NOW_MS = 1_700_000_000_000
_HOUR_MS = 3_600_000
_FACTS = LinkFacts("+1 2345", "desk@clinic.example", "https://clinic.example", {"ended": OwnWords("Bye.", "en")})


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """One thing wrong. `line` is 0 where it is the whole file."""

    file: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" if self.line else f"{self.file}: {self.reason}"


def template_faults(folder: Path, policy: Policy) -> list[TemplateFault]:
    """Everything wrong with the templates in this folder. Faults of form hide those of filling."""
    if not folder.is_dir():
        return [TemplateFault(folder, 0, "is not a folder that can be read")]
    return list(_form_faults(folder)) or list(dict.fromkeys(_filling_faults(folder, policy)))


def unused_templates(folder: Path) -> list[Path]:
    """Templates that replace none of ours: good for including, or misspelt."""
    ours = {path.name for path in BUILT_IN.glob("*.html")}
    return [path for path in sorted(folder.glob("*.html")) if path.name not in ours]


def _form_faults(folder: Path) -> Iterator[TemplateFault]:
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    for path in sorted(folder.rglob("*.html")):
        try:
            environment.parse(path.read_text("utf-8"))
        except TemplateSyntaxError as fault:
            yield TemplateFault(path, fault.lineno, fault.message or "cannot be read")
        except (OSError, UnicodeDecodeError):
            yield TemplateFault(path, 0, "cannot be read as UTF-8")


def _filling_faults(folder: Path, policy: Policy) -> Iterator[TemplateFault]:
    for fill in _every_page(folder, policy):
        try:
            fill()
        except Exception as fault:  # noqa: BLE001 - whatever a template of somebody else's does
            place = next((at for at in reversed(traceback.extract_tb(fault.__traceback__)) if _is_in(folder, at)), None)
            file, line = (Path(place.filename), place.lineno or 0) if place else (folder, 0)
            yield TemplateFault(file, line, f"{fault}" or type(fault).__name__)


def _is_in(folder: Path, at: traceback.FrameSummary) -> bool:
    return Path(at.filename).is_relative_to(folder)


def _every_page(folder: Path, policy: Policy) -> Iterator[Callable[[], object]]:
    pages = Pages(folder, Assets(), must_fill=True)
    yield partial(pages.unknown_link, SOURCE)
    owner, session = _made_up()
    for reason, meaning in MEANINGS.items():
        if meaning.outcome is not Outcome.FORWARD:
            verdict = Verdict(reason, role=Role.GUEST, joined=True, position=2, message="Hello", retry_at_ms=_NOW_MS)
            yield partial(pages.verdict, guest_document(owner, session.id, verdict, _NOW_MS), _FACTS)
    hosts = guest_document(owner, session.id, Verdict(Reason.INVITED, role=Role.HOST), _NOW_MS)
    yield partial(pages.verdict, hosts, LinkFacts(guest_link="https://a.example/", desk_link="/-/desk/a/b"))
    for notice in NOTICES:
        yield partial(pages.notice, notice)
    yield partial(pages.sign_in, "Clinic", "Dr Lee")
    yield partial(pages.desk, desk_document(owner, policy, _NOW_MS, {}))


def _made_up() -> tuple[Owner, Door]:
    """An owner with a room, where somebody waits, and a session."""
    waits = Guest("g_1", GuestState.WAITING, _NOW_MS, _NOW_MS, "Ada", knocked_at_ms=_NOW_MS)
    room = Door("00" * 8, DoorKind.ROOM, "00" * 8, "alias", guests={"g_1": waits})
    seats = {1: Seat(1, Role.HOST), 2: Seat(2, Role.GUEST, "Ada")}
    session = Door("01" * 8, DoorKind.SESSION, room.id, "other", time_zone="UTC", seats=seats)
    session = replace(session, opens_at_ms=_NOW_MS, closes_at_ms=_NOW_MS + _HOUR_MS)
    clinic = Clinic("clinic", "Clinic", "professional")
    return Owner(Room(room.id, "clinic", "dr-lee", "Dr Lee"), clinic, {room.id: room, session.id: session}), session
