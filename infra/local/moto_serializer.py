"""Make moto write DynamoDB's attribute values into its answers without asking its generic serializer about each part.

moto (5.2) looks for every member an attribute value might have (ten of them, under several names each) in every
attribute of every item: two thirds of the CPU of a busy stack. An attribute value has one member, and it is known.
Binary values are left to moto, which encodes them.
"""

from __future__ import annotations

from typing import Any

from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models.dynamo_type import DynamoType

from infra.local.patches import Patches, Replacement

_original = Patches()

_SCALARS = frozenset(("S", "N", "BOOL", "NULL", "SS", "NS"))


class _Binary(Exception):
    """There is a binary value somewhere inside."""


def _wire(value: Any) -> dict[str, Any]:
    """An attribute value as DynamoDB's JSON has it."""
    if isinstance(value, DynamoType):
        kind, inner = value.type, value.value
    else:
        ((kind, inner),) = value.items()
    if kind in _SCALARS:
        return {kind: inner}
    if kind == "M":
        return {"M": {name: _wire(part) for name, part in inner.items()}}
    if kind == "L":
        return {"L": [_wire(part) for part in inner]}
    raise _Binary


def _serialize_type_structure(self: BaseJSONSerializer, serialized: Any, value: Any, shape: Any, key: str) -> None:
    if shape.name == "AttributeValue" and key and value:
        try:
            self._default_serialize(serialized, _wire(value), shape, key)
            return
        except _Binary:
            pass
    _original[BaseJSONSerializer, "_serialize_type_structure"](self, serialized, value, shape, key)


_REPLACEMENTS: list[Replacement] = [(BaseJSONSerializer, "_serialize_type_structure", _serialize_type_structure)]


def install() -> None:
    """Patch moto's serializer in this process; a second call does nothing."""
    _original.install(_REPLACEMENTS)


def uninstall() -> None:
    """Undo :func:`install`."""
    _original.uninstall()
