"""Pages as tests read them: made of our own templates, taken apart into their tags and forms."""

from __future__ import annotations

from html.parser import HTMLParser

from gateway.edge.assets import Assets
from gateway.edge.pages import Page, Pages

PAGES = Pages(None, Assets())


class Elements(HTMLParser):
    """Every start tag with its attributes, and the forms with their fields."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.forms: list[dict[str, str | None]] = []
        self.feed(page.body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "form":
            self.forms.append({})
        elif tag == "input" and self.forms and "name" in attributes:
            self.forms[-1][attributes["name"] or ""] = attributes.get("value")
