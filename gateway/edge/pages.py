"""Every page of the gateway's own: which template, with what in it, under which headers.

Rule that holds here: a page is rendered whole, before any status is sent; everything in it is escaped; it loads
nothing from outside and runs only scripts that carry this answer's nonce. The page of an unknown link is the
exception: made once, the same bytes for everybody, with neither nonce nor script.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from gettext import NullTranslations
from pathlib import Path
from types import MappingProxyType
from typing import Any

from babel import Locale
from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gateway.edge.assets import Assets
from gateway.edge.clinic_times import ClinicTimes
from rules.reasons import MEANINGS, Outcome, Reason

BUILT_IN = Path(__file__).parent.parent / "templates"
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
    can_take: bool = False  # reason `in_use`, and this device may be used instead
    words: str = ""  # the clinic's own words for this reason, e.g. while it is closed
    guest_link: str = ""  # whole URL to copy: a host stands on their guest's session link
    desk_link: str = ""  # the host's desk


class Pages:
    """Renders pages; holds the compiled templates of each language."""

    def __init__(
        self,
        templates_dir: Path | None,
        static: Assets,
        *,
        frame_ancestors: Sequence[str] = (),
        translations: Mapping[str, NullTranslations] = MappingProxyType({}),
        waiting_ttl_s: int = 600,
        heartbeat_s: float = 10,
    ) -> None:
        """`templates_dir`: templates there replace ours of the same name.

        `frame_ancestors`: origins that may frame the guests' pages. `translations`: catalogues by language tag;
        a page asked for in any other language comes in English.
        Raises jinja2.TemplateError if a replaced template of the unknown-link page cannot be compiled.
        """
        folders = [] if templates_dir is None else [templates_dir]
        self._loader: BaseLoader = ChoiceLoader([FileSystemLoader(folder) for folder in (*folders, BUILT_IN)])
        self._static = static
        self._frame_ancestors = tuple(frame_ancestors)
        self._translations = translations
        self._heartbeat_s = max(1, round(heartbeat_s))
        self._place_kept_minutes = max(1, waiting_ttl_s // 60)
        self._environments: dict[str, Environment] = {}
        self.unknown_link = self._unknown_link()

    def render(
        self, page: str, context: Document, *, language: str = "en", frame_ancestors: Sequence[str] = ()
    ) -> Page:
        """The template `page`.html with `context`, under a fresh nonce.

        Raises jinja2.TemplateError when a template is missing, broken, or names what the context lacks.
        """
        nonce = secrets.token_urlsafe(16)
        source = f"'nonce-{nonce}'"
        values = {"support_code": "", "facts": LinkFacts(), **context}
        return Page(self._fill(page, values, language, nonce), _headers(source, source, frame_ancestors))

    def verdict(self, document: Document, facts: LinkFacts | None = None, *, language: str = "en") -> Page:
        """The page of a hold or a refusal, from its verdict document. Raises ValueError for a forward."""
        reason = Reason(document["reason"])
        if reason is Reason.UNKNOWN_LINK:
            return self.unknown_link
        template = _template_of(reason)
        door = document.get("door")
        context = {
            **self._names(door, language),
            "verdict": {"message": None, "position": None, "retry_at": None, "role": None, "joined": False, **document},
            "door": door,
            "zone": (door or {}).get("time_zone") or "UTC",
            "facts": facts or LinkFacts(),
            "support_code": document.get("support_code") or "",
            "refresh_s": _refresh_s(document, self._heartbeat_s),
            "place_kept_minutes": self._place_kept_minutes,
            "position_slot": Markup('<b data-slot="position">{}</b>').format(document.get("position") or ""),
        }
        return self.render(template, context, language=language, frame_ancestors=self._frame_ancestors)

    def notice(self, notice: str, *, language: str = "en", clinic: str = "", support_code: str = "") -> Page:
        """A short page about one thing that went differently: one of NOTICES."""
        names = self._names({"clinic": {"name": clinic}}, language)
        context = {**names, "notice": notice, "support_code": support_code}
        return self.render("notice", context, language=language)

    def sign_in(self, clinic: str, host: str, *, language: str = "en") -> Page:
        """Behind a host's sign-in link: says who and where, and signs in by its button alone."""
        return self.render("sign_in", {"clinic": clinic, "host": host}, language=language)

    def desk(
        self,
        document: Document,
        *,
        language: str = "en",
        time_zone: str = "UTC",
        sign_out: str = "/-/sign-out",
        problem: str = "",
    ) -> Page:
        """The host's call manager. `sign_out` empty: a host seat's desk. `problem`: why the last button failed."""
        guests = [guest for door in document["doors"] for guest in door["guests"]]
        context = {
            "desk": document,
            "clinic": document["clinic"]["name"],
            "host": document["host"]["name"],
            "zone": document["clinic"].get("time_zone") or time_zone,
            "sign_out": sign_out,
            "problem": problem,
            "waiting_count": sum(guest["state"] in ("waiting", "on_hold") for guest in guests),
        }
        return self.render("desk", context, language=language)

    # --- inside ---------------------------------------------------------------------------------------------
    def _fill(self, page: str, context: Document, language: str, nonce: str | None) -> bytes:
        environment = self._environment(language)
        return environment.get_template(f"{page}.html").render(context, nonce=nonce).encode()

    def _names(self, door: Document | None, language: str) -> dict[str, str]:
        """Whom the page speaks of; without a door (the store is away, no pass) in general words."""
        _ = self._translations.get(language, NullTranslations()).gettext
        clinic = (door or {}).get("clinic") or {}
        host = (door or {}).get("host") or {}
        return {"clinic": clinic.get("name") or _("Video consultation"), "host": host.get("name") or _("Your host")}

    def _unknown_link(self) -> Page:
        body = self._fill("unknown_link", {"clinic": "", "support_code": "", "facts": LinkFacts()}, "en", None)
        style = body.split(b"<style>", 1)[1].split(b"</style>", 1)[0]
        digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
        return Page(body, _headers("'none'", f"'sha256-{digest}'", ()))

    def _environment(self, language: str) -> Environment:
        known = language if language in self._translations else "en"  # never English words under another tag
        if known not in self._environments:
            self._environments[known] = self._new_environment(known)
        return self._environments[known]

    def _new_environment(self, language: str) -> Environment:
        locale = Locale.parse(language, sep="-")
        environment = Environment(
            loader=self._loader,
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        catalogue = self._translations.get(language, NullTranslations())
        environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
        times = ClinicTimes(locale)
        environment.filters.update(
            clinic_time=times.clinic_time,
            clinic_hour=times.clinic_hour,
            zone_name=times.zone_name,
            elapsed=times.elapsed,
            dialled=_dialled,
        )
        environment.globals.update(
            language=language, direction=locale.text_direction, url=self._static.url, inline=self._inline
        )
        return environment

    def _inline(self, name: str) -> Markup:
        return Markup(self._static.inline(name))  # noqa: S704 - our own file, the one thing never escaped


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
        }
    )


def _dialled(phone: str) -> str:
    """What a telephone dials: digits and a leading plus."""
    return "".join(sign for sign in phone if sign in "+0123456789")
