"""DynamoDB in a dictionary: the fast stand-in for ``chalicelib.store.items`` in random histories.

It evaluates the very expressions the store writes (the subset of DynamoDB's language they use, anything else is an
error), so a history of a thousand writes takes milliseconds. ``test_memory.py`` holds it against moto.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from chalicelib.store import clients, items, tables
from chalicelib.store.items import ConditionFailed, Item

_MISSING = object()


def _copied(value: Any) -> Any:
    """A deep copy of what an item can hold (a tenth of the cost of ``copy.deepcopy``)."""
    if isinstance(value, dict):
        return {key: _copied(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_copied(v) for v in value]
    return set(value) if isinstance(value, set) else value


class Memory:
    """Tables as dictionaries, with the functions of :mod:`chalicelib.store.items`."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[tuple, Item]] = defaultdict(dict)
        self.keys = {}
        self.indexes = {}
        for model in tables.MODELS:
            arguments = tables.create_table_arguments(model)
            short = arguments["TableName"].removeprefix(clients.table_prefix())
            self.keys[short] = tuple(key["AttributeName"] for key in arguments["KeySchema"])
            for index in arguments.get("GlobalSecondaryIndexes", ()):
                self.indexes[short, index["IndexName"]] = tuple(k["AttributeName"] for k in index["KeySchema"])

    def install(self, monkeypatch: Any) -> None:
        """Put these functions in the place of the real ones."""
        for name in ("get", "batch_get", "query", "write"):
            monkeypatch.setattr(items, name, getattr(self, name))

    def get(self, table: str, key: Item, *, consistent: bool = True) -> Item | None:
        found = self.tables[table].get(self._key(table, key))
        return _copied(found)

    def batch_get(self, table: str, keys: list[Item], *, consistent: bool = True) -> list[Item]:
        return [item for key in keys if (item := self.get(table, key)) is not None]

    def query(
        self,
        table: str,
        condition: str,
        values: Item,
        *,
        names: dict[str, str] | None = None,
        consistent: bool = True,
        index: str | None = None,
        descending: bool = False,
        limit: int | None = None,
    ) -> Iterator[Item]:
        order = self.indexes[table, index] if index else self.keys[table]
        found = [
            _copied(item)
            for item in self.tables[table].values()
            if all(name in item for name in order) and _holds(condition, item, values, names or {})
        ]
        found.sort(key=lambda item: item[order[-1]], reverse=descending)
        yield from found[:limit]

    def write(self, operations: Iterable[dict], *, seconds: float = 20.0, token: str | None = None) -> Item:
        batch = [_unpacked(operation) for operation in operations]
        keys = [(table, self._key(table, body.get("Key") or body["Item"])) for _, table, body in batch]
        if len(set(keys)) != len(keys):
            raise AssertionError("a transaction names an item twice")
        if len(batch) > 100:
            raise AssertionError("a transaction has more than 100 operations")
        old: list[Item | None] = []
        for (_kind, _table, body), (table, key) in zip(batch, keys):
            current = self.tables[table].get(key)
            condition = body.get("ConditionExpression")
            held = condition is None or _holds(condition, current or {}, *_bindings(body))
            old.append(None if held else _copied(current) or {})
        if any(entry is not None for entry in old):
            raise ConditionFailed(old)
        result: Item = {}
        for (kind, _table, body), (table, key) in zip(batch, keys):
            if kind == "Put":
                self.tables[table][key] = _copied(body["Item"])
            elif kind == "Delete":
                self.tables[table].pop(key, None)
            elif kind == "Update":
                item = self.tables[table].setdefault(key, dict(body["Key"]))
                _update(body["UpdateExpression"], item, *_bindings(body))
                result = _copied(item)
        return result if len(batch) == 1 else {}

    def rows(self, table: str) -> list[Item]:
        """Every item of a table."""
        return list(self.tables[table].values())

    def _key(self, table: str, item: Item) -> tuple:
        return tuple(item[name] for name in self.keys[table])


def _unpacked(operation: dict) -> tuple[str, str, dict]:
    ((kind, body),) = operation.items()
    plain = dict(body)
    for part in ("Item", "Key"):
        if part in body:
            plain[part] = items.from_wire(body[part])
    return kind, body["TableName"].removeprefix(clients.table_prefix()), plain


def _bindings(body: dict) -> tuple[Item, dict[str, str]]:
    values = {k[1:]: v for k, v in (items.from_wire(body.get("ExpressionAttributeValues", {})) or {}).items()}
    return values, body.get("ExpressionAttributeNames", {})


def _path(text: str, names: dict[str, str]) -> list[str]:
    return [names[part] if part.startswith("#") else part for part in text.strip().split(".")]


def _lookup(item: Item, path: list[str]) -> Any:
    value: Any = item
    for part in path:
        if not isinstance(value, dict) or part not in value:
            return _MISSING
        value = value[part]
    return value


def _value(text: str, item: Item, values: Item, names: dict[str, str]) -> Any:
    text = text.strip()
    if text.startswith(":"):
        return _copied(values[text[1:]])
    if call := re.fullmatch(r"if_not_exists\(([^,]+),(.+)\)", text):
        present = _lookup(item, _path(call[1], names))
        return _value(call[2], item, values, names) if present is _MISSING else _copied(present)
    if call := re.fullmatch(r"list_append\((if_not_exists\(.+?\)|[^,]+),(.+)\)", text):
        return _value(call[1], item, values, names) + _value(call[2], item, values, names)
    if call := re.fullmatch(r"size\((.+)\)", text):
        return len(_lookup(item, _path(call[1], names)))
    return _lookup(item, _path(text, names))


def _holds(condition: str, item: Item, values: Item, names: dict[str, str]) -> bool:
    condition = re.sub(r"(\S+) BETWEEN (\S+) AND (\S+)", r"\1 >= \2 AND \1 <= \3", condition)
    return any(
        all(_clause(clause, item, values, names) for clause in part.split(" AND ")) for part in condition.split(" OR ")
    )


def _clause(clause: str, item: Item, values: Item, names: dict[str, str]) -> bool:
    clause = clause.strip()
    if call := re.fullmatch(r"attribute_(not_)?exists\((.+)\)", clause):
        return (_lookup(item, _path(call[2], names)) is _MISSING) == bool(call[1])
    match = re.fullmatch(r"(.+?) (=|<=|>=|<|>) (.+)", clause)
    if match is None:
        raise AssertionError(f"the stand-in does not know the condition {clause!r}")
    left, right = _value(match[1], item, values, names), _value(match[3], item, values, names)
    if left is _MISSING or right is _MISSING:
        return False
    compare = {"=": left.__eq__, "<": left.__lt__, "<=": left.__le__, ">": left.__gt__, ">=": left.__ge__}
    return compare[match[2]](right) is True


def _update(expression: str, item: Item, values: Item, names: dict[str, str]) -> None:
    before = _copied(item)
    parts = re.split(r"\b(SET|ADD|REMOVE)\b", expression)
    for kind, body in zip(parts[1::2], parts[2::2]):
        for entry in re.split(r",(?![^(]*\))", body):
            if kind == "SET":
                target, source = entry.split("=", 1)
                *parents, last = _path(target, names)
                place = item
                for parent in parents:
                    place = place[parent]
                place[last] = _value(source, before, values, names)
            elif kind == "ADD":
                target, source = entry.split()
                (name,) = _path(target, names)
                added = values[source[1:]]
                item[name] = item.get(name, set()) | added if isinstance(added, set) else item.get(name, 0) + added
            else:
                *parents, last = _path(entry, names)
                place = item
                for parent in parents:
                    place = place[parent]
                place.pop(last, None)
