"""What a desk says aloud, and what a slow hand does to it.

Rule that holds here: sounds and notices are counted where the browser makes them, over all tabs of one browser.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import BrowserContext, JSHandle, Page

LISTEN = """(() => {
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...given) {
    if (this.frequency.value === 880) { heard("chime"); }  // the first of its two tones
    return start.apply(this, given);
  };
  window.Notification = class extends Notification {
    constructor(title, options) { super(title, options); heard(options.body); }
    static requestPermission(...given) { heard("asked"); return super.requestPermission(...given); }
  };
})()"""


@dataclass
class Ears:
    """Whatever the desks of one browser were heard to say."""

    heard: list[Any] = field(default_factory=list)

    async def open(self, context: BrowserContext) -> None:
        """Listen from the first script of every page on."""
        await context.expose_binding("heard", lambda _source, what: self.heard.append(what))
        await context.add_init_script(LISTEN)

    @property
    def chimes(self) -> int:
        """How often it rang."""
        return self.heard.count("chime")


async def stale(page: Page, selector: str) -> JSHandle:
    """A button as it is drawn now, to be pressed when the desk has moved on: what a slow hand presses."""
    return await page.evaluate_handle(
        """(selector) => {
          const form = document.querySelector(selector);
          const late = form.cloneNode(true);
          document.querySelector("main").append(late);
          return late.querySelector("button");
        }""",
        selector,
    )


async def press_late(button: JSHandle) -> None:
    """Press what was drawn before."""
    await button.evaluate("(button) => button.click()")


async def overflows(page: Page, width: int) -> bool:
    """Whether anything sticks out sideways at this width, in CSS pixels."""
    await page.set_viewport_size({"width": width, "height": 640})
    return bool(await page.evaluate("document.documentElement.scrollWidth > innerWidth"))
