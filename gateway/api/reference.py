"""The reference page: the OpenAPI document for people, and both of them on the internal listener.

Rule that holds here: the page needs nothing from anywhere else: no script, no font, no picture.
"""

from __future__ import annotations

import json
import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gateway.api.openapi import openapi_document
from gateway.api.operations import Operation

TEMPLATES = Path(__file__).parent.parent / "templates"
OWN = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
Json = Mapping[str, Any]


def mount(app: web.Application, operations: Iterable[Operation]) -> None:
    """Add /openapi.json and /docs to an application."""
    document = openapi_document(operations)
    text = json.dumps(document).encode()

    async def openapi(_request: web.Request) -> web.Response:
        return web.Response(body=text, headers={**OWN, "Content-Type": "application/json"})

    async def docs(_request: web.Request) -> web.Response:
        nonce = secrets.token_urlsafe(16)
        policy = f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'"
        headers = {**OWN, "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
        return web.Response(body=render_page(document, nonce).encode(), headers=headers)

    app.router.add_get("/openapi.json", openapi)
    app.router.add_get("/docs", docs)


def render_page(document: Json, nonce: str) -> str:
    """The page."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"anchor": _anchor, "document": _linked, "prose": _prose}
    by_tag: dict[str, list[Json]] = defaultdict(list)
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            by_tag[said["tags"][0]].append(_operation(method, path, said))
    return environment.get_template("api_reference.html").render(
        info=document["info"],
        tags=[tag["name"] for tag in document["tags"]],
        operations=by_tag,
        documents=[
            (name, schema.get("description", "").partition("\n")[0], list(_fields(schema)))
            for name, schema in document["components"]["schemas"].items()
        ],
        nonce=nonce,
    )


def _operation(method: str, path: str, said: Json) -> Json:
    return {
        "id": said["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": said["summary"],
        "description": said["description"].split("\n\n"),
        "parameters": [
            {
                "name": each["name"],
                "where": each["in"],
                "required": each["required"],
                "about": each.get("description", ""),
                "kind": _kind(each["schema"]),
            }
            for each in said["parameters"]
        ],
        "body": _name_of(said.get("requestBody", {})),
        "answers": [(status, about["description"], _name_of(about)) for status, about in said["responses"].items()],
    }


def _name_of(holder: Json) -> str:
    """The name of the document that a body or an answer is; empty for none."""
    for content in holder.get("content", {}).values():
        return str(content["schema"].get("$ref", "")).rpartition("/")[2]
    return ""


def _fields(schema: Json) -> Iterator[Json]:
    for name, about in schema.get("properties", {}).items():
        yield {
            "name": name,
            "kind": _kind(about),
            "required": name in schema.get("required", ()),
            "about": about.get("description", ""),
        }


def _kind(schema: Json) -> Markup:
    """What may stand there, in a few words."""
    if "$ref" in schema:
        return _linked(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return Markup(" or ").join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return Markup("{}").format(", ".join(map(str, schema["enum"])))
    if schema.get("type") == "array":
        return Markup("list of {}").format(_kind(schema.get("items", {})))
    words = [str(schema.get("format") or schema.get("const") or schema.get("type", "anything"))]
    words += [f"at least {schema['minimum']}"] if "minimum" in schema else []
    words += [f"at most {schema['maximum']}"] if "maximum" in schema else []
    words += [f"at most {schema['maxLength']} characters"] if "maxLength" in schema else []
    return Markup("{}").format(", ".join(words))


def _linked(name: str) -> Markup:
    return Markup('<a href="#document-{0}"><code>{0}</code></a>').format(name) if name else Markup()


def _prose(text: str) -> Markup:
    """Words, with what stands between backticks as code."""
    parts = text.split("`")
    return Markup().join(Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts))


def _anchor(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower())
