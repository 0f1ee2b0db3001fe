"""`host-link`: the link that signs an owner in, and the end of all sign-ins of a room.

Rule that holds here: a link is made without writing anything; it is burned where it is used.
"""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.opened import find_room, with_parts
from gateway.cli.options import config_option, json_option
from gateway.cli.output import show
from gateway.desk.host_link import host_link as make_host_link
from gateway.edge.parts import Parts
from gateway.integrations.platforms.inside import send_signed_out
from gateway.signing.signing import HOST_LINK_MS
from rules.model import Room
from rules.names import clean_name

_REVOKE = "revoke"


@click.command("host-link")
@click.argument("words", nargs=-1, required=True, metavar="[revoke] CLINIC OWNER")
@click.option("--name", default="", help="Who signs in, where it is not the owner: an assistant.")
@config_option
@json_option
def host_link(words: tuple[str, ...], name: str, config_file: Path | None, as_json: bool) -> None:
    """Make a link that signs the owner in, once, for 15 minutes; or end all sign-ins of a room."""
    revokes = len(words) == 3 and words[0] == _REVOKE  # noqa: PLR2004
    if len(words) != 2 and not revokes:  # noqa: PLR2004  two words are always a clinic and an owner
        raise click.UsageError("takes CLINIC OWNER, or revoke CLINIC OWNER")
    clinic, owner = words[-2:]

    async def make(parts: Parts) -> str:
        return make_host_link(parts, await find_room(parts, clinic, owner), clean_name(name))

    async def revoke(parts: Parts) -> Room:
        room = await find_room(parts, clinic, owner)
        await parts.directory.raise_host_generation(room.id)
        await send_signed_out(parts.doors, parts.platform, room.id)
        return room

    if revokes:
        room = with_parts(config_file, revoke)
        place = f"{room.clinic}/{room.owner}"
        show({"revoked": place}, [f"all sign-ins of {place} are ended, and its links not used yet"], as_json=as_json)
        return
    link = with_parts(config_file, make)
    show({"link": link, "good_for_s": HOST_LINK_MS // 1000}, [link], as_json=as_json)
