"""A clinic's logo, as it is sent to browsers.

Rule that holds here: the address of a logo names its bytes, so it may be kept for ever; one that is not the clinic's
any more is answered as any unknown link. It is sent as the picture it was checked to be, and as nothing else.
"""

from __future__ import annotations

from urllib.parse import unquote

from aiohttp import web

from gateway.edge import answers
from gateway.edge.brand import LOGO_PATH
from gateway.edge.parts import Call, Parts
from gateway.errors import Problem
from gateway.store import StoreAway
from rules.reasons import Reason

STORE_AWAY = Problem("store-away", 503, "The gateway cannot reach its store just now. Ask again.", retry_after_s=2)


async def answer_logo(parts: Parts, call: Call) -> web.StreamResponse:
    """The logo at this address."""
    slug, _, name = call.path.removeprefix(LOGO_PATH).partition("/")
    if call.request.method not in {"GET", "HEAD"}:
        return answers.unknown_link(parts, call)
    try:
        clinic = await parts.directory.clinic(unquote(slug)) if slug.isascii() else None
        is_known = clinic is not None and name == clinic.brand.logo
        logo = await parts.directory.logo(clinic.slug) if clinic is not None and is_known else None
    except StoreAway:
        return answers.problem(STORE_AWAY, call)
    if logo is None or logo.name != name:
        return answers.unknown_link(parts, call)
    call.reason = Reason.ASSET.value
    headers = {
        "Content-Type": logo.media_type,
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        "X-Gateway-Verdict": answers.verdict_line(Reason.ASSET),
    }
    return answers.bare(200, logo.data, headers)
