"""`serve` and `demo`: the commands that run until they are told to stop.

Rule that holds here: whatever keeps them from serving is told before anybody is served.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from gateway import logs
from gateway.cli.commands import run_async
from gateway.cli.lifetime import serve_until_told
from gateway.cli.options import config_option
from gateway.config import load
from gateway.demo.run import Wishes, run
from gateway.demo.setting import default_state_dir

_PORT = click.IntRange(0, 65_535)
_FILE = click.Path(path_type=Path, dir_okay=False)
_DIRECTORY = click.Path(path_type=Path, file_okay=False)


@click.command()
@config_option
def serve(config_file: Path | None) -> None:
    """Run the gateway. SIGTERM drains, SIGINT stops at once, SIGHUP reloads."""
    config = load(config_file, os.environ)
    logs.configure(sys.stderr, config.log.format, config.log.level)
    run_async(serve_until_told(config, config_file))


@click.command()
@click.option("--port", type=_PORT, default=8000, show_default=True, help="Where guests come in; 0: any free one.")
@click.option("--internal-port", type=_PORT, default=9000, show_default=True, help="Health and metrics; 0: any free.")
@click.option("--links-file", type=_FILE, help="Write the links there as JSON once everything answers.")
@click.option("--state-dir", type=_DIRECTORY, help="Where the store is kept; by default in your cache.")
def demo(port: int, internal_port: int, links_file: Path | None, state_dir: Path | None) -> None:
    """Try it: a store, a video call, a clinic and its links, all on this machine."""
    where = (state_dir or default_state_dir(os.environ)).absolute()
    run_async(run(Wishes(port, internal_port, where, links_file), os.environ))
