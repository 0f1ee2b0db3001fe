"""A gateway's life as its signals say.

Rule that holds here: SIGTERM takes nobody new and lets calls go on, a second one ends at once, and so does SIGINT;
SIGHUP reloads what is safe to change in a running process, and names what is not. A service manager hears of each.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from pathlib import Path

from gateway import logs
from gateway.app import Gateway, start
from gateway.cli.notices import Notices
from gateway.config import Config, ConfigFaults
from gateway.tasks import end_tasks

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
TOLD_EVERY_S = 5.0  # how a drain fares
PATIENCE_S = 90.0  # a service manager is asked for, again and again, while it drains
log = logging.getLogger("gateway")


async def serve_until_told(config: Config, config_file: Path | None) -> None:
    """Serve. Raises ListenFault, EmbeddedFault, ConfigFaults."""
    heard: asyncio.Queue[signal.Signals] = asyncio.Queue()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, heard.put_nowait, number)
    notices = Notices(os.environ)
    gateway = await start(config, log)
    gc.collect()
    gc.freeze()  # what is there now stays: looking through it for garbage would stand everything still for 60 ms
    log.info("serving", extra={"listener": f"{config.server.public}, {config.server.internal}"})
    notices.serving()
    showing = asyncio.create_task(notices.show_life(), name="signs of life")
    try:
        await _until_told(gateway, heard, config_file, notices)
    finally:
        notices.stopping()
        await gateway.stop()
        await end_tasks([showing])
        notices.close()
    log.info("stopped")


async def _until_told(
    gateway: Gateway, heard: asyncio.Queue[signal.Signals], config_file: Path | None, notices: Notices
) -> None:
    while (told := await heard.get()) is signal.SIGHUP:
        notices.reloading()
        await reload(gateway, config_file)
        notices.serving()
    if told is signal.SIGINT:
        return
    notices.stopping()
    drain = asyncio.create_task(gateway.drain(), name="drain")
    again = asyncio.create_task(_to_end(heard), name="signals")
    telling = asyncio.create_task(_tell(gateway, notices), name="notices")
    await asyncio.wait({drain, again}, return_when=asyncio.FIRST_COMPLETED)
    await end_tasks(task for task in (drain, again, telling) if not task.done())
    if drain.done() and not drain.cancelled():
        drain.result()


async def _tell(gateway: Gateway, notices: Notices) -> None:
    """Say how many calls go on; that alone keeps a service manager from losing its patience."""
    while True:
        notices.draining(len(gateway.parts.tunnels), PATIENCE_S)
        await asyncio.sleep(TOLD_EVERY_S)


async def _to_end(heard: asyncio.Queue[signal.Signals]) -> None:
    """Wait for a signal that ends at once; while it drains, nothing is reloaded."""
    while await heard.get() is signal.SIGHUP:
        pass


async def reload(gateway: Gateway, config_file: Path | None) -> None:
    """Read the configuration again: what may change in a running process changes, all of it or nothing."""
    try:
        waiting = await gateway.reload(config_file, os.environ)
    except ConfigFaults as error:
        told = "; ".join(str(fault) for fault in error.faults)
        log.error("not reloaded, everything stays as it was: %s", told)  # noqa: TRY400  the operator's own fault
        return
    logs.configure(sys.stderr, gateway.config.log.format, gateway.config.log.level)
    if waiting:
        log.warning("reloaded; changed as well, in effect after a restart: %s", ", ".join(waiting))
    else:
        log.info("reloaded")
    for sentence in gateway.parts.routes.warnings():
        log.warning(sentence)
