"""`serve` and `demo`: the commands that run until they are told to stop.

Rule that holds here: SIGTERM lets calls go on and takes nobody new, a second one ends at once, and so does SIGINT.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from gateway.cli.commands import run_async
from gateway.demo.run import Wishes, run
from gateway.demo.setting import default_state_dir

_PORT = click.IntRange(0, 65_535)
_FILE = click.Path(path_type=Path, dir_okay=False)
_DIRECTORY = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--port", type=_PORT, default=8000, show_default=True, help="Where guests come in; 0: any free one.")
@click.option(
    "--internal-port", type=_PORT, default=9000, show_default=True, help="Health and metrics; 0: any free one."
)
@click.option("--links-file", type=_FILE, help="Write the links there as JSON once everything answers.")
@click.option("--state-dir", type=_DIRECTORY, help="Where the store is kept; by default in your cache.")
def demo(port: int, internal_port: int, links_file: Path | None, state_dir: Path | None) -> None:
    """Try it: a store, a video call, a clinic and its links, all on this machine."""
    where = (state_dir or default_state_dir(os.environ)).absolute()
    run_async(run(Wishes(port, internal_port, where, links_file), os.environ))


@click.command()
def serve() -> None:
    """Run the gateway."""
