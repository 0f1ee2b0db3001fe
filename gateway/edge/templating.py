"""The templates: ours, and an operator's own in place of ours of the same name, compiled once for each language.

Rule that holds here: everything is escaped. An operator's templates run in a sandbox; where one of them fails the page
comes from ours, because somebody is waiting for it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from babel import Locale
from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from gateway.edge.assets import Assets
from gateway.edge.clinic_times import ClinicTimes
from gateway.edge.languages import SOURCE
from gateway.edge.qr import render_qr

BUILT_IN = Path(__file__).parent.parent / "templates"
_LOG = logging.getLogger("gateway")


class Templates:
    """Fills templates by name."""

    def __init__(
        self,
        overrides: Path | None,
        static: Assets,
        translations: Mapping[str, NullTranslations],
        *,
        must_fill: bool = False,
    ) -> None:
        """`overrides`: a folder of templates that replace ours. `translations`: catalogues by language tag.

        `must_fill`: ours do not stand in for one of those that fails.
        """
        self._must_fill = must_fill
        self._overrides = overrides
        self._static = static
        self._translations = translations
        self._made: dict[tuple[str, bool], Environment] = {}
        self._told: set[str] = set()

    def gettext(self, language: str, message: str) -> str:
        """A message in that language, in English where there is no catalogue."""
        return self._translations.get(language, NullTranslations()).gettext(message)

    def fill(self, page: str, values: Mapping[str, Any], language: str) -> str:
        """The template `page`.html with these values. Raises jinja2.TemplateError where one of ours is broken."""
        if self._overrides is not None:
            try:
                return self._environment(language, is_ours=False).get_template(f"{page}.html").render(values)
            except Exception:  # whatever an operator's template does: the guest gets our page
                if self._must_fill:
                    raise
                self._tell(page)
        return self._environment(language, is_ours=True).get_template(f"{page}.html").render(values)

    def _tell(self, page: str) -> None:
        """Once for each page: a waiting page is asked for again and again."""
        if page not in self._told:
            self._told.add(page)
            _LOG.exception("a template of pages.templates_dir failed; ours is shown instead")

    def _environment(self, language: str, *, is_ours: bool) -> Environment:
        known = language if language in self._translations else SOURCE  # never English words under another tag
        if (known, is_ours) not in self._made:
            self._made[known, is_ours] = self._new_environment(known, is_ours=is_ours)
        return self._made[known, is_ours]

    def _new_environment(self, language: str, *, is_ours: bool) -> Environment:
        locale = Locale.parse(language, sep="-")
        loader: BaseLoader = FileSystemLoader(BUILT_IN)
        if self._overrides is not None and not is_ours:
            loader = ChoiceLoader([FileSystemLoader(self._overrides), loader])
        environment = (Environment if is_ours else ImmutableSandboxedEnvironment)(
            loader=loader,
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        catalogue = self._translations.get(language, NullTranslations())
        environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
        environment.filters.update(ClinicTimes(locale).filters(), dialled=dialled, qr=render_qr)
        environment.globals.update(
            language=language, direction=locale.text_direction, url=self._static.url, inline=self._inline
        )
        return environment

    def _inline(self, name: str) -> Markup:
        return Markup(self._static.inline(name))  # noqa: S704 - our own file, the one thing never escaped


def dialled(phone: str) -> str:
    """What a telephone dials: digits and a leading plus."""
    return "".join(sign for sign in phone if sign in "+0123456789")
