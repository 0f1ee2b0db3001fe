"""`key`: API keys.

Rule that holds here: a key is printed when it is made and never again; the store holds its digest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gateway.api.keys import ApiKey, Scope, digest_key, make_key, read_document
from gateway.cli.commands import Failed
from gateway.cli.opened import find_clinic, store_now, with_parts
from gateway.cli.options import INSTANT, config_option, json_option
from gateway.cli.output import show, table
from gateway.clock import format_instant
from gateway.edge.parts import Parts
from rules.model import Millis
from rules.names import clean_name


class Scopes(click.ParamType[frozenset[Scope]]):
    """Scopes, separated by commas."""

    name = "scopes"

    def convert(
        self, value: str | frozenset[Scope], param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[Scope]:
        """Read some."""
        if not isinstance(value, str):
            return value
        words = [word.strip() for word in value.split(",") if word.strip()]
        if words == ["*"]:
            return frozenset(Scope)
        unknown = [word for word in words if word not in set(Scope)]
        if unknown or not words:
            self.fail(f"{', '.join(unknown) or 'nothing'}: the scopes are {', '.join(Scope)}", param, ctx)
        return frozenset(Scope(word) for word in words)


@click.group()
def key() -> None:
    """The keys of the API."""


@key.command("create")
@click.option("--name", required=True, help="What it is for; shown in lists.")
@click.option("--clinic", default="", help="The one clinic it is good for; without it, all.")
@click.option("--scope", "scopes", type=Scopes(), help="What it may do, separated by commas; without it, everything.")
@click.option("--expires", type=INSTANT, help="When it ends, RFC 3339; without it, never.")
@config_option
@json_option
def create(
    name: str, clinic: str, scopes: frozenset[Scope] | None, expires: Millis | None, config_file: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Make a key, and print it once."""
    shown_name = clean_name(name)
    if not shown_name:
        raise click.UsageError("--name must say something")

    async def work(parts: Parts) -> tuple[str, ApiKey]:
        slug = (await find_clinic(parts, clinic)).slug if clinic else ""
        text, kept = make_key(shown_name, slug, scopes or frozenset(Scope), await store_now(parts), expires)
        await parts.ledger.put_key(digest_key(text), kept.document())
        return text, kept

    text, kept = with_parts(config_file, work)
    show({**_document(kept), "key": text}, [text], as_json=as_json)


@key.command("list")
@config_option
@json_option
def list_keys(config_file: Path | None, as_json: bool) -> None:
    """List the keys, without the keys themselves."""

    async def work(parts: Parts) -> tuple[list[ApiKey], dict[str, Millis]]:
        kept = [read_document(text) for text in (await parts.ledger.api_keys()).values()]
        return sorted(kept, key=lambda each: (each.created_at_ms, each.id)), await parts.ledger.uses()

    found, uses = with_parts(config_file, work)
    rows = [
        (
            each.id,
            each.name,
            each.clinic or "all clinics",
            format_instant(each.created_at_ms),
            f"expires {format_instant(each.expires_at_ms)}" if each.expires_at_ms is not None else "never expires",
            f"used {format_instant(uses[each.id])}" if each.id in uses else "never used",
            ",".join(sorted(each.scopes)),
        )
        for each in found
    ]
    show([_document(each, uses.get(each.id)) for each in found], table(rows), as_json=as_json)


@key.command("revoke")
@click.argument("key_id", metavar="ID")
@config_option
@json_option
def revoke(key_id: str, config_file: Path | None, as_json: bool) -> None:
    """Revoke a key, by the id that `key list` shows."""

    async def work(parts: Parts) -> None:
        for digest, text in (await parts.ledger.api_keys()).items():
            if read_document(text).id == key_id and await parts.ledger.delete_key(digest):
                await parts.ledger.forget_use(key_id)
                return
        raise Failed(f"there is no key {key_id}")

    with_parts(config_file, work)
    show({"revoked": key_id}, [f"key {key_id} revoked"], as_json=as_json)


def _document(kept: ApiKey, used_at_ms: Millis | None = None) -> dict[str, Any]:
    return {
        "id": kept.id,
        "name": kept.name,
        "clinic": kept.clinic or None,
        "scopes": sorted(kept.scopes),
        "created_at": format_instant(kept.created_at_ms),
        "expires_at": None if kept.expires_at_ms is None else format_instant(kept.expires_at_ms),
        "last_used_at": None if used_at_ms is None else format_instant(used_at_ms),
    }
