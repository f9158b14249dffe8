"""A shelf of published records in memory, read the way the store reads: through wire forms, in small pages."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.store import clients, clock, codes, items, publish, wire
from tests.filing import record
from tests.protocol.expressions import holds
from tests.protocol.memory import Memory

PAGE = 7
"""Items in a page of a query: small, so that paging is what happens."""

_MAPS = ("Item", "Key", "ExpressionAttributeValues", "ExclusiveStartKey")


class Shelf:
    """Published records, with a clock that stands until it is moved, and a count of the reads."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.memory = Memory()
        self.records: dict[int, dict[str, Any]] = {}
        self.time = 1_700_000_000.0
        self.calls: list[tuple[str, dict[str, Any]]] = []
        patch.setattr(clients, "dynamodb", lambda: self.memory)
        patch.setattr(clock, "now", lambda: self.time)
        patch.setattr(items, "pause", lambda attempt: None)
        patch.setattr(wire, "call", self._call)
        codes.forget()

    def put(self, *records: dict[str, Any]) -> None:
        """Publish records, new or changed, in one transaction."""
        changes = [publish.Change(self.records.get(new["id"]), new) for new in records]
        event = {"scope": records[0]["scope"], "night": records[0]["night"]}
        items.write(publish.record_operations(changes, event, self.time))
        for new in records:
            self.records[new["id"]] = items.get("files", {"id": new["id"]}) or {}

    def file(self, night: int, number: int, **values: Any) -> dict[str, Any]:
        """A new record, published."""
        new = record(night, number, **values)
        self.put(new)
        return self.records[new["id"]]

    def change(self, identifier: int, **values: Any) -> None:
        """Publish a change of a record."""
        self.put(self.records[identifier] | values)

    def visible(self) -> list[dict[str, Any]]:
        """What is published, neither retired nor deleted."""
        return [one for one in self.records.values() if not one.get("retired") and not one.get("deleted")]

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """An operation of the memory, which knows plain values only, in JSON as DynamoDB speaks it."""
        self.calls.append((operation, dict(arguments)))
        asked = _plain_request(arguments)
        asked.pop("ProjectionExpression", None)  # whole items hold what was asked for, too
        try:
            if operation == "query":
                answer = self.memory.query(**{"Limit": PAGE, **asked})
            elif operation == "scan":
                answer = self._scan(**asked)
            else:
                answer = getattr(self.memory, operation)(**asked)
        except ClientError as error:
            for reason in (error.response, *error.response.get("CancellationReasons", ())):
                if "Item" in reason:
                    reason["Item"] = items.to_wire(reason["Item"])
            raise
        for name in ("Item", "Attributes", "LastEvaluatedKey"):
            if answer.get(name) is not None:
                answer[name] = items.to_wire(answer[name])
        if "Items" in answer:
            answer["Items"] = [items.to_wire(item) for item in answer["Items"]]
        if "Responses" in answer:
            answer["Responses"] = {name: [items.to_wire(i) for i in o] for name, o in answer["Responses"].items()}
        return json.loads(json.dumps(answer, default=lambda value: base64.b64encode(bytes(value)).decode()))

    def _scan(self, **asked: Any) -> dict[str, Any]:
        values, names = asked.pop("ExpressionAttributeValues", {}), asked.pop("ExpressionAttributeNames", {})
        condition = asked.pop("FilterExpression", None)
        answer = self.memory.scan(**asked)
        if condition:
            answer["Items"] = [item for item in answer["Items"] if holds(condition, item, values, names)]
        return answer


def _plain_request(asked: dict[str, Any]) -> dict[str, Any]:
    """A request with plain values in the place of those in wire form."""
    asked = {name: items.from_wire(value) if name in _MAPS else value for name, value in asked.items()}
    if "TransactItems" in asked:
        asked["TransactItems"] = [
            {kind: _plain_request(body) for kind, body in one.items()} for one in asked["TransactItems"]
        ]
    if "RequestItems" in asked:
        asked["RequestItems"] = {
            table: {**wanted, "Keys": [items.from_wire(key) for key in wanted["Keys"]]}
            for table, wanted in asked["RequestItems"].items()
        }
    return asked
