"""`explain`: what an address would answer, or what a support code says was answered.

Rule that holds here: it reads and decides, and changes nothing; it speaks of a browser that comes for the first time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from gateway.cli.code import explain_code
from gateway.cli.explanation import explain_address
from gateway.cli.opened import with_parts
from gateway.cli.options import INSTANT, config_option, json_option
from gateway.cli.output import show, table
from gateway.edge.parts import Parts
from gateway.edge.support import parse_code
from rules.model import Millis


@click.command()
@click.argument("asked", metavar="URL|SUPPORT-CODE")
@click.option("--at", "at_ms", type=INSTANT, help="Decide as if it were then; by default now, by the store's clock.")
@config_option
@json_option
def explain(asked: str, at_ms: Millis | None, config_file: Path | None, as_json: bool) -> None:
    """Say what this link would do, or did, and which rule says so. Changes nothing."""
    code = None if "/" in asked else parse_code(asked)
    if code is None and "/" not in asked:
        raise click.UsageError(
            "takes an address such as https://video.example.org/clinic/room/owner, or a support code"
        )

    async def work(parts: Parts) -> dict[str, Any]:
        if code is not None:
            return await explain_code(parts, code, at_ms)
        return await explain_address(parts, asked, at_ms)

    document = with_parts(config_file, work)
    show(document, _lines(document), as_json=as_json)


def _lines(document: Mapping[str, Any]) -> list[str]:
    """The document as lines: its plain values first, then what has parts of its own."""
    rows = [(name, str(said)) for name, said in document.items() if said and not isinstance(said, dict | list)]
    for name, said in document.items():
        if isinstance(said, dict):
            rows += [(f"{name}.{part}", _plain(value)) for part, value in said.items() if value not in {None, ""}]
        elif isinstance(said, list):
            rows += [(name, "  ".join(str(value) for value in each.values() if value)) for each in said]
    return table(rows)


def _plain(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
