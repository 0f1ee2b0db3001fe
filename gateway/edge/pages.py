"""Every page of the gateway's own: which template, with what in it, under which headers.

Rule that holds here: a page is rendered whole, before any status is sent; everything in it is escaped; it loads
nothing from outside and runs only scripts that carry this answer's nonce. The page of an unknown link is the
exception: made once a language, the same bytes for everybody, with neither nonce nor script.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from gettext import NullTranslations
from pathlib import Path
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

from gateway.edge.assets import Assets
from gateway.edge.languages import SOURCE, choices
from gateway.edge.templating import Templates
from rules.own_words import OwnWords
from rules.reasons import MEANINGS, Outcome, Reason

# The check of camera and microphone, and a screen that stays on while waiting: for our own pages alone.
PERMISSIONS = "camera=(self), microphone=(self), screen-wake-lock=(self), geolocation=(), payment=(), usb=()"
SINCE_SLOT = Markup("<time data-slot=since></time>")
NOTICES = ("cookies", "sign_in_expired", "signed_out", "desk_closed", "failed")

Document = Mapping[str, Any]  # JSON as INTERFACE words it: a verdict document, a desk document


@dataclass(frozen=True, slots=True)
class Page:
    """A page ready to be sent: UTF-8 bytes, and every header but those of the verdict and cookies."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """What a guest's page needs beside the verdict document. All of it may be empty."""

    phone: str = ""  # the clinic's, as people write it
    email: str = ""
    website: str = ""
    own_words: Mapping[str, OwnWords] = field(default_factory=dict)  # the clinic's own, by reason
    can_take: bool = False  # reason `in_use`, and this device may be used instead
    guest_link: str = ""  # whole URL to copy: a host stands on their guest's session link
    desk_link: str = ""  # the host's desk


@dataclass(frozen=True, slots=True)
class Look:
    """How a page looks and speaks: its language, those its reader may choose from, its clinic's colours and logo."""

    language: str = SOURCE
    offered: tuple[str, ...] = ()
    style: Markup = field(default_factory=Markup)  # after our own stylesheet
    logo: str = ""  # its path


PLAIN = Look()


class Pages:
    """Renders pages."""

    def __init__(
        self,
        templates_dir: Path | None,
        static: Assets,
        *,
        frame_ancestors: Sequence[str] = (),
        translations: Mapping[str, NullTranslations] = MappingProxyType({}),
        waiting_ttl_s: int = 600,
        heartbeat_s: float = 10,
        must_fill: bool = False,
    ) -> None:
        """`templates_dir`: templates there replace ours of the same name.

        `frame_ancestors`: origins that may frame the guests' pages. `translations`: catalogues by language tag;
        a page asked for in any other language comes in English. `must_fill`: ours do not stand in for templates that
        fail; whatever goes wrong in them is raised.
        """
        self._templates = Templates(templates_dir, static, translations, must_fill=must_fill)
        self._frame_ancestors = tuple(frame_ancestors)
        self._heartbeat_s = max(1, round(heartbeat_s))
        self._place_kept_minutes = max(1, waiting_ttl_s // 60)
        tags = tuple(translations) or (SOURCE,)
        self._unknown_looks = {tag: Look(tag, tags) for tag in dict.fromkeys((*tags, SOURCE))}
        self._unknown_links: dict[str, Page] = {}

    def render(self, page: str, context: Document, *, look: Look = PLAIN, frame_ancestors: Sequence[str] = ()) -> Page:
        """The template `page`.html with `context`, under a fresh nonce.

        Raises jinja2.TemplateError when a template of ours is missing, broken, or names what the context lacks.
        """
        nonce = secrets.token_urlsafe(16)
        source = f"'nonce-{nonce}'"
        return Page(self._fill(page, context, look, nonce), _headers(source, source, frame_ancestors))

    def unknown_link(self, language: str = SOURCE) -> Page:
        """The one page of every link that does not exist, in that language."""
        known = language if language in self._unknown_looks else SOURCE
        if known not in self._unknown_links:
            self._unknown_links[known] = self._unknown_link(self._unknown_looks[known])
        return self._unknown_links[known]

    def verdict(self, document: Document, facts: LinkFacts | None = None, *, look: Look = PLAIN) -> Page:
        """The page of a hold or a refusal, from its verdict document. Raises ValueError for a forward."""
        reason = Reason(document["reason"])
        if reason is Reason.UNKNOWN_LINK:
            return self.unknown_link(look.language)
        template = _template_of(reason)
        door = document.get("door")
        context = {
            **self._names(door, look),
            "verdict": {"message": None, "position": None, "retry_at": None, "role": None, "joined": False, **document},
            "door": door,
            "zone": (door or {}).get("time_zone") or "UTC",
            "facts": facts or LinkFacts(),
            "support_code": document.get("support_code") or "",
            "refresh_s": _refresh_s(document, self._heartbeat_s),
            "place_kept_minutes": self._place_kept_minutes,
            "since_slot": SINCE_SLOT,
            "position_slot": Markup('<b data-slot="position">{}</b>').format(document.get("position") or ""),
        }
        framed_by = ("'self'", *self._frame_ancestors)  # a host's call may stand beside the desk
        return self.render(template, context, look=look, frame_ancestors=framed_by)

    def notice(self, notice: str, *, look: Look = PLAIN, clinic: str = "", support_code: str = "") -> Page:
        """A short page about one thing that went differently: one of NOTICES."""
        names = self._names({"clinic": {"name": clinic}}, look)
        context = {**names, "notice": notice, "support_code": support_code}
        return self.render("notice", context, look=look)

    def sign_in(self, clinic: str, host: str, *, look: Look = PLAIN) -> Page:
        """Behind a host's sign-in link: says who and where, and signs in by its button alone."""
        return self.render("sign_in", {"clinic": clinic, "host": host}, look=look)

    def desk(
        self,
        document: Document,
        *,
        look: Look = PLAIN,
        time_zone: str = "UTC",
        sign_out: str = "/-/sign-out",
        problem: str = "",
        still: bool = False,
    ) -> Page:
        """The host's call manager. `sign_out` empty: a host seat's desk. `problem`: why the last button failed.

        `still`: without its script it does not renew itself, so that nothing is lost that is being written.
        """
        waiting = _people(document, "waiting", "on_hold")
        quick_texts = (
            _("I will be with you in 5 minutes."),
            _("I am running a little late. Thank you for waiting."),
            _("Please have your documents at hand."),
        )
        context = {
            "desk": document,
            "clinic": document["clinic"]["name"],
            "host": document["host"]["name"],
            "zone": document["clinic"].get("time_zone") or time_zone,
            "sign_out": sign_out,
            "still": still,
            "problem": self._templates.gettext(look.language, problem) if problem else "",
            "quick_texts": [self._templates.gettext(look.language, words) for words in quick_texts],
            "waiting": waiting,
            "waiting_count": len(waiting),
            "inside": _people(document, "admitted", "inside"),
            "others": _people(document, "claimed", "out", "denied", "removed"),
            "unconfirmed": [(d, g) for d in document["doors"] for g in d["guests"] if g.get("removal") == "failed"],
            "not_ended": [door for door in document["doors"] if door.get("ending") == "failed"],
            "past": [door for door in document["doors"] if len(document["doors"]) > 1 and _is_past(door)],
        }
        page = self.render("desk", context, look=look, frame_ancestors=("'self'",))  # a call that is over leads here
        policy = page.headers["Content-Security-Policy"]  # the call may stand beside the list, from this origin alone
        return Page(page.body, {**page.headers, "Content-Security-Policy": f"frame-src 'self'; {policy}"})

    # --- inside ---------------------------------------------------------------------------------------------
    def _fill(self, page: str, context: Document, look: Look, nonce: str | None) -> bytes:
        values = {"support_code": "", "facts": LinkFacts(), "languages": choices(look.offered), "look": look}
        return self._templates.fill(page, {**values, **context, "nonce": nonce}, look.language).encode()

    def _names(self, door: Document | None, look: Look) -> dict[str, str]:
        """Whom the page speaks of; without a door (the store is away, no pass) in general words."""
        clinic = (door or {}).get("clinic") or {}
        host = (door or {}).get("host") or {}
        return {
            "clinic": clinic.get("name") or self._templates.gettext(look.language, _("Video consultation")),
            "host": host.get("name") or self._templates.gettext(look.language, _("Your host")),
        }

    def _unknown_link(self, look: Look) -> Page:
        body = self._fill("unknown_link", {"clinic": ""}, look, None)
        style = body.split(b"<style>", 1)[1].split(b"</style>", 1)[0]
        digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
        return Page(body, _headers("'none'", f"'sha256-{digest}'", ()))


def _(message: str) -> str:
    """Marks a message for translators; it is looked up where the language is known."""
    return message


def _template_of(reason: Reason) -> str:
    if reason is Reason.INVITED:
        return "landing"
    match MEANINGS[reason].outcome:
        case Outcome.HOLD:
            return "hold"
        case Outcome.REFUSE:
            return "refusal"
        case Outcome.FORWARD:
            raise ValueError(f"{reason} is answered by going on, not by a page")


def _people(document: Document, *states: str) -> list[tuple[Document, Document]]:
    """Every guest in one of these states with the door they are at, whichever it is; longest there first."""
    found = [(door, guest) for door in document["doors"] for guest in door["guests"] if guest["state"] in states]
    return sorted(found, key=lambda pair: (pair[1]["since"] or "", pair[1]["id"]))


def _is_past(door: Document) -> bool:
    """Whether nothing is left to be done at this door."""
    return bool(door["status"] != "open" and not door["guests"] and not door["can_undo_until"])


def _refresh_s(document: Document, heartbeat_s: int) -> int:
    """Seconds until a page without its script asks again: a sign of life while waiting, slower before the time."""
    if document["reason"] != Reason.NOT_OPEN:
        return heartbeat_s
    if not document.get("retry_at"):
        return 60
    left = datetime.fromisoformat(document["retry_at"]) - datetime.fromisoformat(document["server_time"])
    return min(60, max(2, int(left.total_seconds()) + 1))


def _headers(script: str, style: str, frame_ancestors: Sequence[str]) -> Mapping[str, str]:
    ancestors = " ".join(frame_ancestors) or "'none'"
    policy = (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; img-src 'self' data:; "
        f"base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
    )
    return MappingProxyType(
        {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": PERMISSIONS,
        }
    )
