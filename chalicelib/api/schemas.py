"""Schemas of bodies, as JSON Schema 2020-12; what a name is given becomes a component of the OpenAPI document.

Only keywords are used that mean the same in every draft (fastjsonschema knows draft 7), see ``KEYWORDS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .serialize import WIRE, _count, _inputs, _object, _quality, _text, _whole

KEYWORDS = frozenset(
    """type properties required additionalProperties items enum const anyOf minimum maximum minLength maxLength minItems
    maxItems minProperties maxProperties uniqueItems pattern format description examples default x-says""".split()
)

SAYS = "x-says"
"""Beside a pattern: what a value must be, in words, as the end of a sentence that begins with "this must be"."""

AN_EMAIL = "an e-mail address, like name@example.org"

JSON = "application/json"


class Schema(dict):
    """A schema with a name: the document refers to it, everything else reads it as any dictionary."""

    name = ""


def named(name: str, schema: Mapping[str, Any]) -> Schema:
    """``schema`` as the component ``name``."""
    component = Schema(schema)
    component.name = name
    return component


class Media:
    """A body that is no JSON: ``Media("text/csv", "One row a pixel.")``."""

    def __init__(self, kind: str, help: str = "") -> None:
        self.kind = kind
        self.help = help


def record(
    properties: Mapping[str, Any], *, optional: tuple[str, ...] = (), closed: bool = True, help: str = ""
) -> dict[str, Any]:
    """An object with these properties, all required but the ``optional`` ones, and no others if it is ``closed``."""
    schema: dict[str, Any] = {"type": "object", "properties": dict(properties)}
    required = [name for name in properties if name not in optional]
    if required:
        schema["required"] = required
    if closed:
        schema["additionalProperties"] = False
    return described(schema, help)


def described(schema: Mapping[str, Any], help: str) -> dict[str, Any]:
    """``schema`` with a sentence of help."""
    return {**schema, "description": help} if help else dict(schema)


def text(
    longest: int = 10_000, *, shortest: int = 0, pattern: str = "", says: str = "", form: str = "", help: str = ""
) -> dict[str, Any]:
    """A text; ``form`` is JSON Schema's ``format`` (``email``, ``date-time``, ``uri``).

    ``says`` is the ``pattern`` in words (:data:`SAYS`): what whoever sends another text is told.
    """
    schema: dict[str, Any] = {"type": "string", "maxLength": longest}
    if shortest:
        schema["minLength"] = shortest
    if pattern:
        schema["pattern"] = pattern
    if says:
        schema[SAYS] = says
    if form:
        schema["format"] = form
    return described(schema, help)


def integer(low: int = 0, high: int = 2**53 - 1, *, help: str = "") -> dict[str, Any]:
    """A whole number from ``low`` to ``high``."""
    return described({"type": "integer", "minimum": low, "maximum": high}, help)


def number(low: float | None = None, high: float | None = None, *, help: str = "") -> dict[str, Any]:
    """A number, with its bounds."""
    bounds = {name: bound for name, bound in (("minimum", low), ("maximum", high)) if bound is not None}
    return described({"type": "number", **bounds}, help)


def one_of(*values: str, help: str = "") -> dict[str, Any]:
    """One of some texts."""
    return described({"type": "string", "enum": list(values)}, help)


def nullable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """``schema`` or null."""
    if isinstance(schema, Schema) or "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    either = {**schema, "type": [*kinds, "null"]}
    if "enum" in either:
        either["enum"] = [*either["enum"], None]
    return either


def array(items: Mapping[str, Any], *, fewest: int = 0, most: int | None = None, help: str = "") -> dict[str, Any]:
    """A list of ``items``."""
    schema: dict[str, Any] = {"type": "array", "items": items}
    if fewest:
        schema["minItems"] = fewest
    if most is not None:
        schema["maxItems"] = most
    return described(schema, help)


def mapping(values: Mapping[str, Any] | None = None, *, help: str = "") -> dict[str, Any]:
    """Names with values of one kind, or of any."""
    return described({"type": "object", **({"additionalProperties": values} if values is not None else {})}, help)


def listing(results: Mapping[str, Any]) -> dict[str, Any]:
    """A page of a list as the original answers it; ``count`` is null where counting would mean reading everything."""
    return record(
        {
            "count": nullable(integer()),
            "next": nullable(text(form="uri")),
            "previous": nullable(text(form="uri")),
            "results": array(results),
        }
    )


FLAG = {"type": "boolean"}
MOMENT = text(40, form="date-time", help="ISO 8601, UT.")

_OF_WIRE: dict[Any, dict[str, Any]] = {
    _text: {"type": ["string", "null"]},
    _whole: {"type": ["integer", "null"]},
    bool: FLAG,
    _count: integer(),
    _quality: mapping(),
    _object: {"type": ["object", "null"]},
    _inputs: array(record({"role": {"type": "string"}, "id": {"type": "integer"}})),
}

OBSERVED = nullable(
    text(
        40,
        form="date-time",
        help="When the exposure began (DATE-OBS), ISO 8601, UT; a product's is its raw frame's. Null where DATE-OBS "
        "cannot be read, and of masters.",
    )
)

FILE = named("File", record({name: _OF_WIRE[convert] for name, convert in WIRE.items()} | {"observed": OBSERVED}))
"""A record as :func:`.serialize.file_record` shows it."""

FILE_LIST = named("FileList", listing(FILE))

PROBLEM = named(
    "Problem",
    record(
        {
            "type": text(help="urn:goodman-live:problem:… names the kind."),
            "title": text(),
            "status": integer(400, 599),
            "detail": text(help="A sentence: what is wrong and what to do."),
            "errors": array(record({"at": text(help="JSON pointer into the body."), "message": text()})),
        },
        optional=("detail", "errors"),
        closed=False,
    ),
)
"""RFC 9457."""

JOB_ID_PATTERN = "[0-9A-Za-z_-]{1,120}"
A_JOB_ID = "a job's id, as it was given with the 202"

JOB = named(
    "Job",
    record(
        {
            "id": text(120),
            "kind": text(60),
            "status": one_of("waiting", "running", "done", "failed"),
            "created": MOMENT,
            "finished": nullable(MOMENT),
            "sentence": text(help="What is being done, or what came of it."),
            "files": array(integer(), help="Ids of the files it is about or has made."),
            "result": nullable(mapping()),
        },
        optional=("finished", "files", "result"),
    ),
)

ACCEPTED = named("Accepted", record({"job": JOB, "url": text(help="Where the job is followed.")}))
"""Of an action that is done later: status 202."""
