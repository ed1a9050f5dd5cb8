"""The description of the REST interface: an OpenAPI document for programs, and a page made of it for people.

The page is ours because the usual ones are scripts, which come from elsewhere or want a looser policy. It has none.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from markupsafe import Markup, escape

from gristmill import __version__
from gristmill.web.schemas import ALWAYS, ARTIFACT, PROBLEMS, SCHEDULE
from panel_app.components.icons import icon
from panel_app.theme import style_sheet

_INTRODUCTION = """\
Everything that the dashboard and the terminal can do. Every request needs the server's token, which `gristmill serve` \
prints and `gristmill open --link` tells; a page of another site gets nothing."""
_REF = "An id, or its first or last characters, four or more."
_REFS = {"artifacts": ARTIFACT.id, "schedules": SCHEDULE.id}


class Described(FastAPI):
    """The application, with a description that says how the guard takes the token."""

    def __init__(self, cookie: str) -> None:
        super().__init__(
            title="Gristmill",
            version=__version__,
            description=_INTRODUCTION,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
            docs_url=None,
            redoc_url=None,
            openapi_url="/api/openapi.json",
            separate_input_output_schemas=False,
            generate_unique_id_function=_operation_id,
            responses=ALWAYS,
        )
        self._cookie = cookie

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            document = super().openapi()
            document["components"]["securitySchemes"] = {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`Authorization: Bearer TOKEN`: for programs.",
                },
                "query": {
                    "type": "apiKey",
                    "in": "query",
                    "name": "token",
                    "description": "`?token=TOKEN`: for a program that can send no header. Addresses end up in logs.",
                },
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": self._cookie,
                    "description": "What a browser has after its first visit with `?token=TOKEN`. A request that "
                    "changes something needs an `Origin` too.",
                },
            }
            document["security"] = [{"bearer": []}, {"query": []}, {"cookie": []}]
            for operation in _operations(document):
                summary, _, rest = operation.get("description", "").partition("\n\n")
                for parameter in operation.get("parameters", []):
                    if parameter["name"] == "ref":
                        last = " `last` is the newest run." if "runs" in operation["tags"] else ""
                        parameter["description"] = _REF + last
                operation["summary"], operation["description"] = summary.rstrip(".").replace("\n", " "), rest
                if not rest:
                    del operation["description"]
            self.openapi_schema = document
        return self.openapi_schema


def _operation_id(route: APIRoute) -> str:
    return f"{route.tags[0] if route.tags else 'server'}_{route.name.strip('_')}"


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def reference_page(document: dict[str, Any], url: str) -> HTMLResponse:
    """The page of a document, for a server at this address."""
    css = style_sheet() + _asset("reference.css")
    tags: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            shown = {"method": method.upper(), "path": path, "curl": _curl(method, path, operation, document, url)}
            tags.setdefault(operation["tags"][0], []).append(operation | shown | {"body": _body(operation)})
    page = _template().render(
        document=document,
        tags=tags,
        # The forms of uploads have names of FastAPI's making; they are shown where they are asked for.
        hidden=[name for name in document["components"]["schemas"] if name.startswith("Body_")],
        refusals={status: described for status, (_, _, described) in PROBLEMS.items()},
        css=css,
        mill=icon("mill"),
    )
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return HTMLResponse(
        page, headers={"Content-Security-Policy": f"{policy}; frame-ancestors 'none'", "Cache-Control": "no-store"}
    )


def _body(operation: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    content = operation.get("requestBody", {}).get("content", {})
    return next(iter(content.items()), None)


def _curl(method: str, path: str, operation: dict[str, Any], document: dict[str, Any], url: str) -> str:
    """The request as a line for a shell, with the examples of its fields."""
    words = ["curl"]
    if method in ("delete", "patch") or (method == "post" and not _body(operation)):
        words.append(f"-X {method.upper()}")
    words.append('-H "Authorization: Bearer $TOKEN"')
    if (body := _body(operation)) and body[0] == "application/json":
        example = json.dumps(_resolved(body[1]["schema"], document)["examples"][0])
        words += ["-H 'Content-Type: application/json'", f"-d '{example}'"]
    elif body:
        schema = _resolved(body[1]["schema"], document)
        for name, field in (schema.get("properties", {}) | schema.get("patternProperties", {})).items():
            words += [f"-F '{name.replace('^param:', 'param:data')}={value}'" for value in field.get("examples", [])]
    words.append(url + path.replace("{ref}", _REFS.get(path.split("/")[2], "last")))
    line = " ".join(words)
    return line if len(line) < 100 else " \\\n  ".join(words)


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """A schema, or the one that it refers to; what stands beside the reference is kept."""
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found | schema


def _kind(schema: dict[str, Any]) -> Markup:
    """A schema in a few words, the names of other schemas as links."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Markup('<a href="#schema-{0}">{0}</a>').format(name)
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return Markup(" or ").join(dict.fromkeys(map(_kind, several)))
    if "const" in schema:
        return Markup("<code>{}</code>").format(json.dumps(schema["const"]))
    if "enum" in schema:
        return Markup(", ").join(Markup("<code>{}</code>").format(json.dumps(value)) for value in schema["enum"])
    if schema.get("type") == "array":
        items = schema.get("prefixItems") or [schema.get("items", {})]
        return Markup("list of ") + Markup(", ").join(dict.fromkeys(map(_kind, items)))
    if schema.get("format") == "binary" or "contentMediaType" in schema:
        return Markup("JSON text") if "json" in schema.get("contentMediaType", "") else Markup("file")
    kind = escape(schema.get("type", "anything"))
    return kind + Markup(" ({})").format(schema["format"]) if "format" in schema else kind


def _bounds(schema: dict[str, Any]) -> str:
    """What a value may be, and what it is when it is not given."""
    parts = []
    if "minimum" in schema or "maximum" in schema:
        low, high = (f"{schema[k]:,}" if k in schema else "" for k in ("minimum", "maximum"))
        parts.append(f"{low} to {high}" if low and high else f"{low} or more" if low else f"at most {high}")
    if schema.get("default") not in (None, "", [], {}):
        parts.append(f"default {json.dumps(schema['default'])}")
    return "; ".join(parts)


def _prose(text: str) -> Markup:
    """Text of ours: paragraphs, and code between backticks."""
    paragraphs = (escape(" ".join(p.split())) for p in text.split("\n\n") if p.strip())
    return Markup("").join(Markup("<p>{}</p>").format(_ticks(p)) for p in paragraphs)


def _ticks(text: str) -> Markup:
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _indented(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


@cache
def _asset(name: str) -> str:
    return resources.files("gristmill.web").joinpath(name).read_text("utf-8")


@cache
def _template() -> Any:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "kind": _kind,
        "bounds": _bounds,
        "prose": _prose,
        "ticks": _ticks,
        "indented": _indented,
    }
    return environment.from_string(_asset("reference.html"))
