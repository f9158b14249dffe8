"""Facet values as short codes, so that a ledger item holds thousands of combinations.

All values ever seen lie in one item of ``counters``: per facet a list, a value's code being its place. Values are only
appended, so a code once given stays, and a warm process reads the item again only when it meets a code or a value it
does not know.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from ..domain.facets import FACETS
from . import items
from .items import ConditionFailed

_KEY = {"counter": "codes"}
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SEPARATOR = "_"

_known: dict[str, list[str]] = {}
_lock = threading.Lock()


class UnknownCode(ValueError):
    """A combination code that was never given out."""


def encode(facets: Mapping[str, str]) -> str:
    """The code of a combination of facet values; values never seen before get a code now."""
    return _SEPARATOR.join(_base36(_place(name, facets.get(name, ""))) for name in FACETS)


def decode(code: str) -> dict[str, str]:
    """The combination of facet values of a code.

    Raises
    ------
    UnknownCode
        No such code was given out.
    """
    try:
        places = [int(part, 36) for part in code.split(_SEPARATOR)]
    except ValueError:
        raise UnknownCode(code) from None
    if len(places) > len(FACETS):
        raise UnknownCode(code)
    values = {}
    for name, place in zip(FACETS, places):
        known = _known.get(name, [])
        if not 0 <= place < len(known):
            known = _load(name)
        if not 0 <= place < len(known):
            raise UnknownCode(code)
        values[name] = known[place]
    return dict.fromkeys(FACETS[len(places) :], "") | values  # a facet appended later is absent in old codes


def forget() -> None:
    """Drop what this process knows (tests that change the account)."""
    _known.clear()


def _place(name: str, value: str) -> int:
    values = _known.get(name, [])
    if value not in values:
        values = _load(name)
    while value not in values:
        _append(name, value, len(values))
        values = _load(name)
    return values.index(value)


def _append(name: str, value: str, length: int) -> None:
    """Append a value if nobody else appended anything since the list was read, ``length`` values long."""
    operation = items.operation(
        "Update",
        "counters",
        key=_KEY,
        update="SET #facet = list_append(if_not_exists(#facet, :none), :value)",
        condition="attribute_not_exists(#facet) OR size(#facet) = :length",
        values={"none": [], "value": [value], "length": length},
        names={"#facet": name},
    )
    try:
        items.write([operation])
    except ConditionFailed:
        pass  # another process appended: the caller reads again


def _load(name: str) -> list[str]:
    """Read all lists anew; the one of facet ``name``. Lists only grow: an older answer never replaces a newer one."""
    item = items.get("counters", _KEY) or {}
    with _lock:
        for facet in FACETS:
            read = list(item.get(facet, ()))
            if len(read) >= len(_known.get(facet, ())):
                _known[facet] = read
        return _known[name]


def _base36(number: int) -> str:
    digits = ""
    while number >= 36:
        number, remainder = divmod(number, 36)
        digits = _DIGITS[remainder] + digits
    return _DIGITS[number] + digits
