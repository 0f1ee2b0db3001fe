"""The group all commands belong to, and what becomes of errors.

Rule that holds here: every error that a command can meet is told in one place, in one line, with its exit code.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine, Sequence
from typing import Any, NoReturn, TypeVar

import click
import uvloop

from gateway.config import ConfigFaults
from gateway.demo.clinic import DemoFault
from gateway.listeners import ListenFault
from gateway.store import StoreAway, StoreFull, UnknownOwner
from gateway.store.embedded import EmbeddedFault

T = TypeVar("T")

FAILED = 1
WRONG_USE = 2


class Failed(Exception):
    """The command could not do what it was asked. The message is fit for whoever asked."""

    code = FAILED


class WrongUse(Failed):
    """What was asked for makes no sense; `faults` has a line for each thing wrong."""

    code = WRONG_USE

    def __init__(self, *faults: str) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


class Commands(click.Group):
    """A group whose errors are told in one line."""

    def main(  # type: ignore[override]  # never returns, whatever mode is asked for
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run a command and exit."""
        extra["standalone_mode"] = False
        try:
            code = super().main(args, prog_name, **extra)
            sys.stdout.flush()
        except Exception as error:  # noqa: BLE001  nobody sees a traceback: what is unknown is told as our fault
            sys.exit(_told(error))
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            sys.exit(FAILED)
        sys.exit(code if isinstance(code, int) else 0)


def _told(error: Exception) -> int:
    """Say what went wrong; returns the exit code."""
    match error:
        case BrokenPipeError():  # whoever read our output has gone; Python would complain once more at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        case click.exceptions.NoArgsIsHelpError():
            print(error.format_message(), file=sys.stderr)
            return WRONG_USE
        case click.UsageError():
            command = f"{error.ctx.command_path}: " if error.ctx is not None else ""
            return _say(f"{command}{error.format_message()}", WRONG_USE)
        case click.ClickException():
            return _say(error.format_message(), FAILED)
        case click.Abort():
            return _say("stopped", FAILED)
        case ConfigFaults() | WrongUse():
            return _say(str(error), WRONG_USE, each_line=True)
        case StoreFull():
            return _say("the store is full: nothing was written", FAILED)
        case UnknownOwner():
            return _say("there is no such room any more", FAILED)
        case Failed() | ListenFault() | EmbeddedFault() | DemoFault() | StoreAway():
            return _say(str(error), FAILED)
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return _say(f"{where}{error.strerror or error}", FAILED)
        case _:
            return _say(f"a fault of this program: {type(error).__name__}: {error}", FAILED)


def _say(text: str, code: int, *, each_line: bool = False) -> int:
    lines = text.splitlines() if each_line else [" ".join(text.split())]
    for line in lines:
        print(line, file=sys.stderr)
    return code


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="link-gateway", message="%(version)s")
def cli() -> None:
    """Room links and session links for telehealth clinics, in front of any video platform."""


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
