"""`check` and `openapi`.

Rule that holds here: a check tells every fault of the file at once, starts nothing, makes no keys and asks nobody, but
for the store and the platform where it is told to.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn, cast
from urllib.parse import urlsplit

import click

from gateway.api.openapi import openapi_document
from gateway.api.table import OPERATIONS
from gateway.cli.commands import FAILED, WRONG_USE, run_async
from gateway.cli.dialling import dial
from gateway.cli.exposure import exposed
from gateway.cli.options import config_option, json_option
from gateway.cli.output import show
from gateway.cli.probing import Outcome, not_refused, probe
from gateway.config import Config, ConfigFaults, Fault, load
from gateway.edge.template_faults import unused_templates
from gateway.reload import file_faults

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


@click.command()
@config_option
@json_option
@click.option("--live", is_flag=True, help="Also ask the store and the platform: who answers, and what is refused.")
def check(config_file: Path | None, as_json: bool, live: bool) -> None:
    """Tell every fault of a configuration at once, and what to think about."""
    try:
        config = load(config_file, os.environ)
    except ConfigFaults as error:
        if not as_json:
            raise
        _show_faults(error.faults)
    if faults := file_faults(config):
        if not as_json:
            raise ConfigFaults(faults)
        _show_faults(faults)
    warnings = list(_warnings(config))
    document: dict[str, object] = {"faults": [], "warnings": warnings}
    told = run_async(_live(config, document)) if live else []
    warnings += cast("list[str]", document.pop("exposed", []))
    lines = [*(f"warning: {sentence}" for sentence in warnings), "the configuration has no faults"]
    if live:
        lines += _all_well(document)
    show(document, lines, as_json=as_json)
    for sentence in told:
        print(sentence, file=sys.stderr)
    if told:
        raise click.exceptions.Exit(FAILED)


async def _live(config: Config, document: dict[str, object]) -> list[str]:
    """Ask the store and the platform, and put what came of it into `document`. Returns a sentence for each fault."""
    silent, probed, elsewhere = await asyncio.gather(dial(config), probe(config), exposed(config))
    document["silent"], document["exposed"] = silent, elsewhere
    document["probes"] = [each.document() for each in probed]
    return [*silent, *not_refused(probed)]


def _all_well(document: dict[str, object]) -> list[str]:
    """What is as it should be, where all of its kind is."""
    probed, silent = cast("list[dict[str, object]]", document["probes"]), document["silent"]
    lines = [] if silent else ["the store and the platform answer"]
    if probed and all(each["outcome"] == Outcome.REFUSED for each in probed):
        lines = [f"the platform refuses what it must: {len(probed)} tried", *lines]
    elif not probed and not silent:
        lines = ["no [[platform.probes]]: nothing was tried that the platform must refuse", *lines]
    return lines


def _show_faults(faults: Iterable[Fault]) -> NoReturn:
    found = [{"key": fault.key, "value": fault.value, "reason": fault.reason} for fault in faults]
    show({"faults": found, "warnings": []}, (), as_json=True)
    raise click.exceptions.Exit(WRONG_USE)


def _warnings(config: Config) -> Iterator[str]:
    """What is allowed, and may still not be meant."""
    server = config.server
    public = urlsplit(server.public_url)
    if public.scheme == "http" and public.hostname not in _HERE:
        yield "server.public_url is http: cookies are not Secure, and browsers give no camera to such pages"
    if public.scheme == "https" and not (
        server.trusted_proxies or server.tls_certificate or server.public.startswith("unix:")
    ):
        yield (
            "server.trusted_proxies is empty: whatever speaks https in front of the gateway is not believed, "
            "so that all guests share its address, and its limits"
        )
    if server.tls_certificate and public.scheme == "http":
        yield "server.public_url is http, and server.public speaks https: no link would lead there"
    if not server.desk_url and public.hostname not in _HERE:
        yield "server.desk_url is empty: the desk shares its origin with the platform's pages; one of its own is safer"
    if config.pages.templates_dir:
        for path in unused_templates(Path(config.pages.templates_dir)):
            yield f"pages.templates_dir: {path.name} replaces no template of ours"
    if config.identity.kind == "none":
        yield "identity.kind is none: the platform is not told who comes"
    yield from config.route_table().warnings()


@click.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    click.echo(json.dumps(openapi_document(OPERATIONS), indent=2))
