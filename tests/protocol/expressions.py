"""The part of DynamoDB's expression language the store uses, each expression parsed once into a function.

Anything else is an error: a condition this stand-in misreads would prove nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

Item = dict[str, Any]
Values = dict[str, Any]
Names = dict[str, str]
Term = Callable[[Item, Values, Names], Any]

MISSING = object()

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def copied(value: Any) -> Any:
    """A deep copy of what an item can hold (a tenth of the cost of ``copy.deepcopy``)."""
    kind = type(value)
    if kind is dict:
        return {key: copied(v) for key, v in value.items()}
    if kind is list:
        return [copied(v) for v in value]
    return set(value) if kind is set else value


def holds(condition: str, item: Item, values: Values, names: Names) -> bool:
    """Whether a condition (or key condition) holds for an item; an absent item is empty."""
    return _condition(condition)(item, values, names)


def updated(expression: str, item: Item, values: Values, names: Names) -> Item:
    """The item after an update; the one given is left as it is (what does not change is shared with it)."""
    after = dict(item)
    for change in _changes(expression):
        change(item, after, values, names)
    return after


def _path(text: str) -> Callable[[Names], list[str]]:
    parts = text.strip().split(".")
    if not all(re.fullmatch(r"#?\w+", part) for part in parts):
        raise AssertionError(f"the stand-in does not know the path {text!r}")
    return lambda names: [names[part] if part[0] == "#" else part for part in parts]


def _lookup(item: Item, path: list[str]) -> Any:
    value: Any = item
    for part in path:
        if not isinstance(value, dict) or part not in value:
            return MISSING
        value = value[part]
    return value


@lru_cache(maxsize=4096)
def _term(text: str) -> Term:
    text = text.strip()
    if text.startswith(":"):
        return lambda item, values, names: copied(values[text])
    if call := re.fullmatch(r"if_not_exists\(([^,]+),(.+)\)", text):
        path, default = _path(call[1]), _term(call[2])

        def present(item: Item, values: Values, names: Names) -> Any:
            found = _lookup(item, path(names))
            return default(item, values, names) if found is MISSING else copied(found)

        return present
    if call := re.fullmatch(r"list_append\((if_not_exists\(.+?\)|[^,]+),(.+)\)", text):
        first, second = _term(call[1]), _term(call[2])
        return lambda item, values, names: first(item, values, names) + second(item, values, names)
    if call := re.fullmatch(r"size\((.+)\)", text):
        measured = _path(call[1])
        return lambda item, values, names: _size(_lookup(item, measured(names)))
    if sum_ := re.fullmatch(r"(\S+) ([+-]) (\S+)", text):
        left, right, sign = _term(sum_[1]), _term(sum_[3]), 1 if sum_[2] == "+" else -1
        return lambda item, values, names: left(item, values, names) + sign * right(item, values, names)
    plain = _path(text)
    return lambda item, values, names: copied(_lookup(item, plain(names)))


def _size(value: Any) -> Any:
    return MISSING if value is MISSING else len(value)


@lru_cache(maxsize=4096)
def _condition(text: str) -> Term:
    text = re.sub(r"(\S+) BETWEEN (\S+) AND (\S+)", r"\1 >= \2 AND \1 <= \3", text.strip())
    alternatives = [[_clause(clause) for clause in _split(part, " AND ")] for part in _split(text, " OR ")]
    return lambda item, values, names: any(all(clause(item, values, names) for clause in part) for part in alternatives)


def _split(text: str, word: str) -> list[str]:
    """Split at a word outside parentheses."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and text.startswith(word, place):
            parts.append(text[start:place])
            start = place + len(word)
    return [*parts, text[start:]]


def _clause(text: str) -> Term:
    text = text.strip()
    if text.startswith("(") and text.endswith(")"):
        return _condition(text[1:-1])
    if text.startswith("NOT "):
        inner = _clause(text[4:])
        return lambda item, values, names: not inner(item, values, names)
    if call := re.fullmatch(r"attribute_(not_)?exists\(([^()]+)\)", text):
        path, absent = _path(call[2]), bool(call[1])
        return lambda item, values, names: (_lookup(item, path(names)) is MISSING) == absent
    if call := re.fullmatch(r"(begins_with|contains)\(([^(),]+),([^(),]+)\)", text):
        whole, part, begins = _term(call[2]), _term(call[3]), call[1] == "begins_with"

        def has(item: Item, values: Values, names: Names) -> bool:
            found = whole(item, values, names)
            sought = part(item, values, names)
            return found is not MISSING and (found.startswith(sought) if begins else sought in found)

        return has
    if match := re.fullmatch(r"(\S+|size\(\S+\)) (=|<>|<=|>=|<|>) (\S+)", text):
        left, right, compare = _term(match[1]), _term(match[3]), _COMPARISONS[match[2]]

        def compared(item: Item, values: Values, names: Names) -> bool:
            a, b = left(item, values, names), right(item, values, names)
            if a is MISSING or b is MISSING:
                return match[2] == "<>" and a is not b
            if match[2] not in ("=", "<>") and isinstance(a, str) != isinstance(b, str):
                return False
            return compare(a, b)

        return compared
    raise AssertionError(f"the stand-in does not know the condition {text!r}")


Change = Callable[[Item, Item, Values, Names], None]


@lru_cache(maxsize=4096)
def _changes(expression: str) -> tuple[Change, ...]:
    """What an update expression does, as functions of the item before and the item to be changed."""
    parts = re.split(r"\b(SET|ADD|REMOVE|DELETE)\b ", expression.strip() + " ")
    if parts[0].strip():
        raise AssertionError(f"the stand-in does not know the update {expression!r}")
    kinds = {"SET": _set, "ADD": _add, "REMOVE": _remove, "DELETE": _delete}
    return tuple(
        kinds[kind](entry.strip()) for kind, body in zip(parts[1::2], parts[2::2]) for entry in _split(body, ",")
    )


def _set(entry: str) -> Change:
    target, source = entry.split("=", 1)
    path, value = _path(target), _term(source)

    def change(before: Item, after: Item, values: Values, names: Names) -> None:
        *parents, last = path(names)
        new = value(before, values, names)
        if new is MISSING:
            raise AssertionError(f"an update sets an attribute from one that is absent: {entry!r}")
        _parent(after, parents)[last] = new

    return change


def _add(entry: str) -> Change:
    target, source = entry.split()
    path, value = _path(target), _term(source)

    def change(before: Item, after: Item, values: Values, names: Names) -> None:
        (name,) = path(names)
        added = value(before, values, names)
        after[name] = after.get(name, set()) | added if isinstance(added, set) else after.get(name, 0) + added

    return change


def _remove(entry: str) -> Change:
    path = _path(entry)

    def change(before: Item, after: Item, values: Values, names: Names) -> None:
        *parents, last = path(names)
        _parent(after, parents).pop(last, None)

    return change


def _delete(entry: str) -> Change:
    target, source = entry.split()
    path, value = _path(target), _term(source)

    def change(before: Item, after: Item, values: Values, names: Names) -> None:
        (name,) = path(names)
        left = after.get(name, set()) - value(before, values, names)
        after.pop(name, None)
        if left:
            after[name] = left

    return change


def _parent(item: Item, parents: list[str]) -> Item:
    """The map an update changes something in, which is made the item's own."""
    place = item
    for parent in parents:
        if parent not in place:
            raise AssertionError(f"an update changes something in the map {parent!r}, which is absent")
        place[parent] = dict(place[parent])
        place = place[parent]
    return place
