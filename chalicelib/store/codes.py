"""Facet values as short codes, so that a ledger item holds thousands of combinations.

All values ever seen lie in one item of ``counters``: per facet a list, a value's code being its place. Values are only
appended, so a code once given stays, and a warm process reads the item again only when it meets a code or a value it
does not know.

Within a process every code met has an *ordinal*, a small integer: what is summed is ordinals, and a code is decoded, or
held against a selection, once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from ..domain.facets import FACETS, Selection
from . import items
from .items import ConditionFailed, Contended

_KEY = {"counter": "codes"}
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SEPARATOR = "_"

_SELECTIONS_KEPT = 64
_TRIES = 50
"""How often a value is appended anew because another process was first; each time one of them comes through."""

_known: dict[str, list[str]] = {}
_lock = threading.Lock()


class _Met:
    """The codes this process has met, by ordinal."""

    def __init__(self) -> None:
        self.ordinals: dict[str, int] = {}
        self.combinations: list[tuple[str, ...] | None] = []
        self.accepted: OrderedDict[object, bytes] = OrderedDict()


_met = _Met()
_met_lock = threading.RLock()


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


def ordinal(code: str) -> int:
    """The number of a combination code in this process, from 0."""
    found = _met.ordinals.get(code)
    return _meet(code) if found is None else found


def _meet(code: str) -> int:
    with _met_lock:
        if code not in _met.ordinals:
            try:
                _met.combinations.append(tuple(decode(code)[name] for name in FACETS))
            except UnknownCode:
                _met.combinations.append(None)
            _met.ordinals[code] = len(_met.combinations) - 1
        return _met.ordinals[code]


def combination(number: int) -> tuple[str, ...] | None:
    """The facet values, in the order of ``FACETS``, of the code with an ordinal; None for one never given out.

    A damaged code must not take the lists of everybody down: its files count, but match no filter, until ``recount``
    has mended it.
    """
    return _met.combinations[number]


def accepted(selection: Selection) -> bytes:
    """For every ordinal given so far, 1 if ``selection`` accepts its combination, else 0."""
    key = frozenset(selection.values.items())
    with _met_lock:
        flags = _met.accepted.pop(key, b"")
        fresh = _met.combinations[len(flags) :]
        if fresh:
            flags += bytes(
                not key if values is None else selection.accepts(dict(zip(FACETS, values))) for values in fresh
            )
        _met.accepted[key] = flags
        if len(_met.accepted) > _SELECTIONS_KEPT:
            _met.accepted.popitem(last=False)
    return flags


def epoch() -> object:
    """What stays the same as long as ordinals keep their meaning."""
    return _met


def forget() -> None:
    """Drop what this process knows (tests that change the account)."""
    global _met
    _known.clear()
    _met = _Met()


def _place(name: str, value: str) -> int:
    values = _known.get(name, [])
    if value not in values:
        values = _load(name)
    for _ in range(_TRIES):
        if value in values:
            return values.index(value)
        _append(name, value, len(values))
        values = _load(name)
    # As good as always the stored lists are shorter than those this process knows: the table was restored.
    forget()
    raise Contended(f"no code could be given to the {name} {value!r} in {_TRIES} tries")


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
