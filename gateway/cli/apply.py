"""`apply`: make the directory what a file says.

Rule that holds here: the same file twice changes nothing the second time; with --dry-run nothing is written at all.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from gateway.cli.clinic_file import read_clinic_file
from gateway.cli.opened import with_parts
from gateway.cli.options import config_option, json_option
from gateway.cli.output import show
from gateway.cli.planning import Changes, make_changes, plan_changes
from gateway.config import load
from gateway.edge.parts import Parts


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would change, and write nothing.")
@config_option
@json_option
def apply(file: Path, dry_run: bool, config_file: Path | None, as_json: bool) -> None:
    """Make clinics and rooms what FILE says. What is not in it is left alone."""
    read = read_clinic_file(file, load(config_file, os.environ))

    async def work(parts: Parts) -> Changes:
        changes = await plan_changes(parts, read)
        if not dry_run:
            await make_changes(parts, changes)
        return changes

    changes = with_parts(config_file, work)
    found = [
        {"kind": each.kind, "name": each.name, "field": each.field or None, "before": each.before, "after": each.after}
        for each in changes.differences
    ]
    lines = [str(each) for each in changes.differences] or ["nothing to change"]
    if dry_run and changes.differences:
        lines.append("dry run: nothing was written")
    show({"dry_run": dry_run, "changes": found}, lines, as_json=as_json)
