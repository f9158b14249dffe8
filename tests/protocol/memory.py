"""DynamoDB in a dictionary: the client below ``chalicelib.store.items`` in random histories.

It stands where boto3's client stands, so the store's own retries, request tokens and expressions are what is tested;
a history of a thousand writes takes milliseconds. Items travel as plain values, without the wire's type letters. Reads
that are not consistent may be old, as DynamoDB's are. ``test_memory.py`` holds all this against moto.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.store import clients, clock, items, tables, wire
from tests.protocol.expressions import copied, holds, updated

Item = dict[str, Any]
Execute = Callable[[], Any]

STALE_WRITES, STALE_SECONDS = 60, 60.0
"""An inconsistent read may miss the last so many writes, of the last so many seconds."""

CONSISTENT = frozenset({"configurations", "interests", "subjects"})
"""Tables that must always be read consistently (only the sweeper's index cannot be)."""


class Violation(BaseException):
    """A promise of the design was broken. Not an ``Exception``: no handler may catch it and try again."""


def plain(value: Any) -> Any:
    """What DynamoDB gives back for a value: whole floats as integers, tuples as lists, no NaN."""
    kind = type(value)
    if kind is float:
        if value != value or value in (float("inf"), float("-inf")):
            return None
        return int(value) if value.is_integer() else value
    if kind is dict:
        return {str(key): plain(v) for key, v in value.items()}
    if kind in (list, tuple):
        return [plain(v) for v in value]
    if kind is set:
        if not value:
            raise AssertionError("DynamoDB knows no empty set")
        return set(value)
    if value is None or kind in (int, str, bool, bytes):
        return value
    raise AssertionError(f"DynamoDB cannot hold {value!r}")


to_wire = items.to_wire
"""The wire form as it really is, which :meth:`Memory.install` leaves out."""


def refusal(code: str, operation: str = "write", **response: Any) -> ClientError:
    """The error AWS answers with."""
    return ClientError({"Error": {"Code": code, "Message": code}, **response}, operation)


class Memory:
    """Tables as dictionaries, with the methods of DynamoDB's low-level client that the store calls.

    ``guard(service, execute)`` is called for every write and decides whether and how it happens.
    """

    def __init__(self, guard: Callable[[str, Execute], Any] | None = None, chance: random.Random | None = None) -> None:
        self.guard = guard or (lambda service, execute: execute())
        self.chance = chance
        self.tables: dict[str, dict[Any, dict[Any, Item]]] = defaultdict(lambda: defaultdict(dict))
        self.past: dict[tuple, deque[tuple[int, float, Item | None]]] = {}
        self.writes = 0
        self.tokens: dict[str, list[dict]] = {}
        self.keys: dict[str, tuple[str, ...]] = {}
        self.indexes: dict[tuple[str, str], tuple[str, ...]] = {}
        self.projected: dict[tuple[str, str], frozenset[str]] = {}
        for model in tables.MODELS:
            arguments = tables.create_table_arguments(model)
            short = arguments["TableName"].removeprefix(clients.table_prefix())
            self.keys[short] = tuple(key["AttributeName"] for key in arguments["KeySchema"])
            for index in arguments.get("GlobalSecondaryIndexes", ()):
                order = tuple(k["AttributeName"] for k in index["KeySchema"])
                self.indexes[short, index["IndexName"]] = order
                others = index["Projection"].get("NonKeyAttributes", ())
                self.projected[short, index["IndexName"]] = frozenset((*order, *self.keys[short], *others))

    def install(self, monkeypatch: Any) -> None:
        """Put this client in the place of boto3's, with plain values on the wire."""
        monkeypatch.setattr(clients, "dynamodb", lambda: self)
        monkeypatch.setattr(items, "attribute", plain)
        monkeypatch.setattr(items, "to_wire", plain)
        monkeypatch.setattr(items, "from_wire", copied)
        monkeypatch.setattr(items, "pause", lambda attempt: None)
        monkeypatch.setattr(wire, "call", self.call)

    def call(self, operation: str, **arguments: Any) -> dict:
        """An operation by its name, as :mod:`chalicelib.store.wire` asks for it."""
        return getattr(self, operation)(**arguments)

    # ---- reads

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool = False, **_: Any) -> dict:
        table = self._short(TableName)
        self._must_be_consistent(table, ConsistentRead)
        found = self._version(table, self._place(table, Key), old=not ConsistentRead)
        return {} if found is None else {"Item": found}

    def batch_get_item(self, *, RequestItems: dict[str, dict]) -> dict:
        answer = {}
        for name, wanted in RequestItems.items():
            if len(wanted["Keys"]) > 100:
                raise AssertionError("a batch asks for more than 100 items")
            consistent = wanted.get("ConsistentRead", False)
            found = [self.get_item(TableName=name, Key=key, ConsistentRead=consistent) for key in wanted["Keys"]]
            answer[name] = [each["Item"] for each in found if each]
        return {"Responses": answer}

    def query(
        self,
        *,
        TableName: str,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Item,
        ExpressionAttributeNames: dict[str, str] | None = None,
        ConsistentRead: bool = False,
        IndexName: str | None = None,
        ScanIndexForward: bool = True,
        Limit: int | None = None,
        ExclusiveStartKey: Item | None = None,
        FilterExpression: str | None = None,
        Select: str | None = None,
        ProjectionExpression: str | None = None,
    ) -> dict:
        if ProjectionExpression is not None:
            raise AssertionError("the stand-in does not know projections")
        table = self._short(TableName)
        if IndexName is None:
            self._must_be_consistent(table, ConsistentRead)
        names, order = ExpressionAttributeNames or {}, self.indexes[table, IndexName] if IndexName else self.keys[table]
        old = IndexName is not None or not ConsistentRead
        partition = None
        if IndexName is None and (match := re.match(r"(\w+) = (:\w+)", KeyConditionExpression)):
            partition = ExpressionAttributeValues[match[2]]
        found = [
            item
            for item in self._versions(table, old=old, partition=partition)
            if all(name in item for name in order)
            and holds(KeyConditionExpression, item, ExpressionAttributeValues, names)
        ]
        found.sort(key=lambda item: [item[name] for name in (*order, *self.keys[table])], reverse=not ScanIndexForward)
        if ExclusiveStartKey is not None:
            place = [ExclusiveStartKey[name] for name in (*order, *self.keys[table])]
            found = [
                item
                for item in found
                if ([item[n] for n in (*order, *self.keys[table])] > place) == ScanIndexForward
                and [item[n] for n in (*order, *self.keys[table])] != place
            ]
        answer: dict[str, Any] = {}
        if Limit is not None and len(found) > Limit:
            found = found[:Limit]
            answer["LastEvaluatedKey"] = {n: found[-1][n] for n in (*order, *self.keys[table])}
        if FilterExpression is not None:
            found = [item for item in found if holds(FilterExpression, item, ExpressionAttributeValues, names)]
        if IndexName is not None:
            shown = self.projected[table, IndexName]
            found = [{name: value for name, value in item.items() if name in shown} for item in found]
        return {"Items": found, "Count": len(found), **answer}

    def scan(self, *, TableName: str, ConsistentRead: bool = False, **arguments: Any) -> dict:
        table = self._short(TableName)
        self._must_be_consistent(table, ConsistentRead)
        if set(arguments) - {"TotalSegments", "Segment"}:
            raise AssertionError(f"the stand-in does not know a scan with {sorted(arguments)}")
        return {"Items": [] if arguments.get("Segment") else list(self._versions(table, old=not ConsistentRead))}

    def get_paginator(self, name: str) -> Any:
        return SimpleNamespace(paginate=lambda **arguments: [getattr(self, name)(**arguments)])

    # ---- writes

    def put_item(self, **body: Any) -> dict:
        self._write([{"Put": body}], single=True)
        return {}

    def delete_item(self, **body: Any) -> dict:
        self._write([{"Delete": body}], single=True)
        return {}

    def update_item(self, *, ReturnValues: str = "NONE", **body: Any) -> dict:
        item = self._write([{"Update": body}], single=True)
        return {"Attributes": item} if ReturnValues == "ALL_NEW" else {}

    def transact_write_items(self, *, TransactItems: list[dict], ClientRequestToken: str | None = None) -> dict:
        self._write(TransactItems, token=ClientRequestToken)
        return {}

    def _write(self, operations: list[dict], *, single: bool = False, token: str | None = None) -> Any:
        return self.guard("dynamodb", lambda: self._apply(operations, single, token))

    def _apply(self, operations: list[dict], single: bool, token: str | None) -> Any:
        if token is not None and token in self.tokens:
            if self.tokens[token] != operations:
                raise AssertionError("a request token was used for two transactions")
            return {}
        batch = [(kind, body) for operation in operations for kind, body in operation.items()]
        places = []
        for _, body in batch:
            table = self._short(body["TableName"])
            places.append((table, self._place(table, body.get("Key") or body["Item"])))
        if len(set(places)) != len(places):
            raise AssertionError("a transaction names an item twice")
        if len(batch) > 100:
            raise AssertionError("a transaction has more than 100 operations")
        refused = []
        for (_, body), (table, place) in zip(batch, places):
            condition, current = body.get("ConditionExpression"), self._version(table, place)
            held = condition is None or holds(condition, current or {}, *_bindings(body))
            shown = {"Item": current} if current is not None and _shows(body) else {}
            refused.append({"Code": "None"} if held else {"Code": "ConditionalCheckFailed", **shown})
        if any(reason["Code"] != "None" for reason in refused):
            if single:
                shown = {name: value for name, value in refused[0].items() if name == "Item"}
                raise refusal("ConditionalCheckFailedException", **shown)
            raise refusal("TransactionCanceledException", CancellationReasons=refused)
        if token is not None:
            self.tokens[token] = operations
        result = None
        for (kind, body), (table, place) in zip(batch, places):
            result = self._change(kind, body, table, place)
        return result

    def _change(self, kind: str, body: dict, table: str, place: tuple) -> Item | None:
        before = self._version(table, place)
        if kind == "ConditionCheck":
            return None
        after: Item | None = None
        if kind == "Put":
            after = body["Item"]
        elif kind == "Update":
            after = updated(body["UpdateExpression"], before or dict(body["Key"]), *_bindings(body))
        elif kind != "Delete":
            raise AssertionError(f"the stand-in does not know the operation {kind!r}")
        self.writes += 1
        self.past.setdefault((table, place), deque(maxlen=4)).append((self.writes, clock.now(), before))
        if after is None:
            self.tables[table][place[0]].pop(place[1:], None)
        else:
            self.tables[table][place[0]][place[1:]] = after
        return after

    # ---- for the tests

    def rows(self, table: str) -> list[Item]:
        """Every item of a table, as it is."""
        return [copied(item) for item in self._versions(table)]

    def take_over(self, other: Memory) -> None:
        """Hold what another one holds; items are never changed in place, so they may be shared."""
        self.tables = defaultdict(lambda: defaultdict(dict))
        for table, parts in other.tables.items():
            self.tables[table] = defaultdict(dict, {key: dict(part) for key, part in parts.items()})
        self.past.clear()

    def _short(self, name: str) -> str:
        short = name.removeprefix(clients.table_prefix())
        if short not in self.keys:
            raise AssertionError(f"there is no table {name!r}")
        return short

    def _place(self, table: str, item: Item) -> tuple:
        return tuple(item[name] for name in self.keys[table])

    def _must_be_consistent(self, table: str, consistent: bool) -> None:
        if table in CONSISTENT and not consistent:
            raise Violation(f"the table {table} was read without consistency")

    def _version(self, table: str, place: tuple, *, old: bool = False) -> Item | None:
        """The item, or, if ``old``, any version that was current within the last writes."""
        current = self.tables[table][place[0]].get(place[1:])
        if not old or self.chance is None or (table, place) not in self.past:
            return current
        writes, seconds = self.writes - STALE_WRITES, clock.now() - STALE_SECONDS
        versions = [item for number, end, item in self.past[table, place] if number > writes and end > seconds]
        return self.chance.choice([current, *versions])

    def _versions(self, table: str, *, old: bool = False, partition: Any = None) -> Iterator[Item]:
        """Every item of a table (of one partition), any of them in an older version if ``old``."""
        parts = self.tables[table]
        chosen = list(parts) if partition is None else [partition] if partition in parts else []
        if not old or self.chance is None:
            for key in chosen:
                yield from list(parts[key].values())
            return
        places = {(key, *rest) for key in chosen for rest in parts[key]}
        places |= {place for name, place in self.past if name == table and partition in (None, place[0])}
        for place in sorted(places):
            item = self._version(table, place, old=True)
            if item is not None:
                yield item


def _bindings(body: dict) -> tuple[Item, dict[str, str]]:
    return body.get("ExpressionAttributeValues", {}), body.get("ExpressionAttributeNames", {})


def _shows(body: dict) -> bool:
    return body.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
