"""Bodies of requests: JSON or a form, told apart by what they hold, checked against a schema."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from .problems import BadParameter, TooLarge, Unprocessable
from .schemas import SAYS

LARGEST = 256 << 10
"""Bytes of a body, unless a route says otherwise."""

MOST_ERRORS = 20
_LONGEST_MESSAGE = 300


def read(request: Any, schema: Mapping[str, Any], *, form: bool, largest: int) -> Any:
    """The body of a request, checked.

    An empty body counts as ``{}``: the schema says whether that will do.

    Raises
    ------
    TooLarge, BadParameter, Unprocessable
        It has too many bytes; it is neither JSON nor (where ``form`` allows it) a form; it is not what ``schema`` says.
    """
    try:
        raw = bytes(request.raw_body)
    except ValueError:  # base64 that is none
        raise BadParameter("The body cannot be read.") from None
    if len(raw) > largest:
        raise TooLarge(f"The body has {len(raw)} bytes; at most {largest} are taken here.")
    text = _text(raw).strip()
    if not text:
        content: Any = {}
    elif form and text[0] not in '{["':
        content = _form(text, schema)
    else:
        content = _json(text)
    check(content, schema)
    return content


def check(content: Any, schema: Mapping[str, Any]) -> None:
    """Refuse what is not as ``schema`` says, with a sentence for every place (at most :data:`MOST_ERRORS`)."""
    errors = errors_of(content, schema)
    if errors:
        at, message = errors[0]
        raise Unprocessable(f"The body cannot be used: at {at or '/'}, {message}", errors)


def errors_of(content: Any, schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong where: JSON pointer, sentence."""
    found = _validator(id(schema), _Kept(schema))(content)
    return [(_pointer(name), f"{message[:_LONGEST_MESSAGE].rstrip('.')}.") for name, message in found[:MOST_ERRORS]]


class _Kept:
    """A schema as a key: compared by what it is, and kept alive so that its identity is not given to another."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kept) and other.schema is self.schema

    def __hash__(self) -> int:
        return id(self.schema)


@cache
def _validator(_: int, kept: _Kept) -> Callable[[Any], list[tuple[str, str]]]:
    import fastjsonschema  # compiled when the first body of its kind comes: a start without bodies does not wait for it

    validate = fastjsonschema.compile(dict(kept.schema), use_default=False, fast_fail=False)

    def found(content: Any) -> list[tuple[str, str]]:
        try:
            validate(content)
        except fastjsonschema.JsonSchemaValuesException as error:
            return _told(error.errors)
        except fastjsonschema.JsonSchemaValueException as error:
            return _told([error])
        return []

    return found


def _told(errors: list[Any]) -> list[tuple[str, str]]:
    """Place and sentence of each error; where a pattern is put in words, they are all that is said of the place."""
    words = {one.name: one.definition[SAYS] for one in errors if one.rule == "pattern" and SAYS in one.definition}
    said = [
        (one.name or "data", f"this must be {words[one.name]}" if one.name in words else _sentence(one))
        for one in errors
    ]
    return list(dict.fromkeys(said))


def _sentence(error: Any) -> str:
    """The library's message without its own name for the body."""
    message = str(error.message)
    name = str(error.name or "data")
    return "this" + message[len(name) :] if message.startswith(name) else message


def _pointer(name: str) -> str:
    parts = name.replace("]", "").replace("[", ".").split(".")[1:]
    return "".join("/" + part for part in parts)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise BadParameter("The body must be text in UTF-8.") from None


def _json(text: str) -> Any:
    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is no JSON")

    def finite(digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            raise ValueError(f"{digits[:40]} is too large")
        return int(value) if value.is_integer() and abs(value) < 2**53 else value  # to JSON Schema 5.0 is an integer

    try:
        content = json.loads(text, parse_constant=refuse, parse_float=finite)
        if "\\u" in text:
            json.dumps(content, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise BadParameter(f"The body must be JSON: {str(error)[:120]}.") from None
    return content


def _form(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise BadParameter("The body must be JSON or a form, like name=value&other=value.") from None
    if len({name for name, _ in pairs}) < len(pairs):
        raise BadParameter("A field of the form is given twice.")
    kinds = schema.get("properties", {})
    return {name: _typed(value, kinds.get(name, {}).get("type")) for name, value in pairs}


def _typed(value: str, kind: Any) -> Any:
    """A form's fields are texts; whole numbers and switches are read as such where the schema wants them."""
    if kind == "integer" and re.fullmatch("-?[0-9]{1,15}", value):
        return int(value)
    if kind == "boolean" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value
