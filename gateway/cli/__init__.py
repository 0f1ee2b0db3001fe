"""The command line, `link-gateway`.

Rule that holds here: exit code 0 is done, 1 failed, 2 wrong use or configuration; an error is one line on stderr, a
configuration's faults one line each, and nobody ever sees a traceback.
"""

from __future__ import annotations

from gateway.cli.apply import apply
from gateway.cli.checking import check, openapi
from gateway.cli.commands import cli
from gateway.cli.directory import clinic, room
from gateway.cli.explain import explain
from gateway.cli.keys import key
from gateway.cli.serving import demo, serve
from gateway.cli.session import session
from gateway.cli.sign_in import host_link

for _command in (serve, demo, check, apply, clinic, room, session, host_link, key, explain, openapi):
    cli.add_command(_command)


def main() -> None:
    """Run the command that the process was started with."""
    cli.main(prog_name="link-gateway")


__all__ = ["cli", "main"]
