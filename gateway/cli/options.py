"""Options that several commands take, and how their texts become values.

Rule that holds here: a text that cannot be read is wrong use, told with the option's name.
"""

from __future__ import annotations

from pathlib import Path
from zoneinfo import available_timezones

import click

from gateway.clock import TimeTextError, parse_instant
from rules.model import Millis

config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    envvar="LINK_GATEWAY_CONFIG",
    help="The configuration's TOML file; also LINK_GATEWAY_CONFIG.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")


class Instant(click.ParamType[Millis]):
    """An RFC 3339 time with its offset, as Unix milliseconds."""

    name = "time"

    def convert(self, value: str | Millis, param: click.Parameter | None, ctx: click.Context | None) -> Millis:
        """Read one."""
        if isinstance(value, int):
            return value
        try:
            return parse_instant(value)
        except TimeTextError as error:
            self.fail(str(error), param, ctx)


class TimeZone(click.ParamType[str]):
    """The name of a time zone, such as Europe/Vienna."""

    name = "zone"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check one; empty stands for the clinic's."""
        if value and value not in available_timezones():
            self.fail("is no time zone; one is written such as Europe/Vienna", param, ctx)
        return value


INSTANT = Instant()
TIME_ZONE = TimeZone()
