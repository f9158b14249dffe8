"""The OpenAPI 3.1 document, made from the app's routes and their contracts.

python -m chalicelib.api.openapi > docs/openapi.json
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from .. import __version__
from . import links
from .operation import ANONYMOUS, IDEMPOTENCY_KEY, OPTIONAL, STAFF, SUPERUSER, Operation
from .problems import CONTENT_TYPE
from .schemas import JSON, PROBLEM, Media, Schema

TAGS = {
    "service": "What answers here, and its description.",
    "session": "Sign-in, passwords, API keys.",
    "users": "People.",
    "proposals": "Proposals, their people and settings.",
    "files": "Lists, records, headers, lineage, downloads.",
    "actions": "What is asked of the pipeline, and the jobs that do it.",
    "nights": "Nights and their observing logs.",
    "comments": "Comments on files and nights.",
    "events": "What happened, and the feed of it.",
}

_HEADERS = {
    "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer", "minimum": 1}},
}


def document(routes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The document of ``app.routes``."""
    components: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for path, method, contract in operations(routes):
        paths.setdefault(path, {})[method.lower()] = _operation(contract, components)
    used = {operation["tags"][0] for item in paths.values() for operation in item.values()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Goodman Live",
            "version": __version__,
            "summary": "Live reduction of Goodman spectrograph frames.",
            "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
        },
        "servers": [{"url": links.STAGE}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items() if name in used],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`Token`, a blank, and an API key or the token of a session.",
                }
            },
        },
    }


def operations(routes: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, Operation]]:
    """Path, method and contract of every route, in order; what answers browsers' preflights has none."""
    for path in sorted(routes):
        for method in sorted(routes[path]):
            contract = getattr(routes[path][method].view_function, "operation", None)
            if contract is not None:
                yield path, method, contract


def _operation(contract: Operation, components: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "operationId": contract.view.__name__,
        "summary": contract.title,
        "description": _description(contract),
        "tags": [contract.tag],
    }
    asked = [parameter.document() for parameter in (*contract.path, *contract.query)]
    if contract.idempotent:
        asked.append(
            {
                "name": IDEMPOTENCY_KEY,
                "in": "header",
                "description": "A request sent again with the same key within 24 hours is answered as the first was.",
                "schema": {"type": "string", "pattern": "^[!-~]{1,100}$"},
            }
        )
    if asked:
        body["parameters"] = asked
    if contract.body is not None:
        schema = _linked(contract.body, components)
        kinds = [JSON, *(["application/x-www-form-urlencoded"] if contract.form else [])]
        body["requestBody"] = {
            "required": bool(contract.body.get("required")),
            "content": {kind: {"schema": schema} for kind in kinds},
        }
    body["responses"] = {
        **{str(status): _answer(status, content, components) for status, content in contract.answers.items()},
        **{str(status): _refusal(status, components) for status in contract.refusals},
    }
    if contract.who == OPTIONAL:
        body["security"] = [{}, {"token": []}]
    else:
        body["security"] = [] if contract.who == ANONYMOUS else [{"token": []}]
    return body


def _description(contract: Operation) -> str:
    text = re.sub(r"``([^`]*)``", r"`\1`", " ".join((contract.view.__doc__ or "").split()))
    who = {STAFF: " For staff only.", SUPERUSER: " For superusers only."}.get(contract.who, "")
    return text + who


def _answer(status: int, content: Any, components: dict[str, Any]) -> dict[str, Any]:
    forms = content if isinstance(content, tuple) else (content,)
    described = [form.help for form in forms if isinstance(form, Media) and form.help]
    answer: dict[str, Any] = {"description": described[0] if described else _phrase(status)}
    media: dict[str, Any] = {}
    for form in forms:
        if isinstance(form, Media):
            media[form.kind] = {"schema": {"type": "string"}} if form.kind.startswith("text/") else {}
        elif form is not None:
            media[JSON] = {"schema": _linked(form, components)}
    return answer | ({"content": media} if media else {})


def _refusal(status: int, components: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": _phrase(status),
        "content": {CONTENT_TYPE: {"schema": _linked(PROBLEM, components)}},
    }
    return answer | ({"headers": _HEADERS} if status in (429, 503) else {})


def _phrase(status: int) -> str:
    return f"{HTTPStatus(status).phrase.capitalize()}."


def _linked(schema: Any, components: dict[str, Any]) -> Any:
    """``schema`` with references in place of its named parts, which are put into ``components``."""
    if isinstance(schema, Schema):
        if schema.name not in components:
            components[schema.name] = {}
            components[schema.name] = _inside(schema, components)
        return {"$ref": f"#/components/schemas/{schema.name}"}
    return _inside(schema, components)


def _inside(schema: Any, components: dict[str, Any]) -> Any:
    if isinstance(schema, Mapping):
        return {name: _linked(part, components) for name, part in schema.items()}
    if isinstance(schema, list | tuple):
        return [_linked(part, components) for part in schema]
    return schema


def as_text(routes: Mapping[str, Mapping[str, Any]]) -> str:
    """The document as it is kept under ``docs``."""
    return json.dumps(document(routes), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    from importlib import import_module

    print(as_text(import_module("app").app.routes), end="")
