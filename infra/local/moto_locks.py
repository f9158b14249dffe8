"""Make moto's DynamoDB safe under several writers at once (SQS: see :mod:`infra.local.moto_queues`).

moto (5.2) keeps its tables in plain dictionaries and serves them from a thread per connection. What breaks under
concurrent writers is mended here for the one-machine stack:

* **DynamoDB has no lock.** Between reading an item, testing the condition and writing it another thread can write:
  two conditional puts both succeed, an ``ADD`` is lost. Here every DynamoDB call runs under one lock, from the parsed
  request to the serialized answer (the answer is built from the live item, so locking the backend is not enough).
* **A transaction copies whole tables** and on failure puts the copies back, losing what others wrote meanwhile, at a
  cost that grows with the table; some failures are not undone at all. Here an undo log keeps the items the
  transaction touches and nothing else.
* **A query sorts the whole table.** Here it looks at one partition.
* **Each request lists the methods of its handler's class anew**, a fifth of its cost. Here they are remembered.
* **Client request tokens are ignored**, so a transaction that botocore repeats after a broken connection is done
  twice. Here a token repeated within ten minutes is answered and changes nothing, as on AWS.
"""

from __future__ import annotations

import copy
import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from typing import Any

from moto.core import responses
from moto.core.responses import ActionResult
from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.exceptions import (
    ConditionalCheckFailed,
    DynamodbException,
    MockValidationException,
    MultipleTransactionsException,
    TooManyTransactionsException,
    TransactionCanceledException,
    TransactWriteSingleOpException,
)
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from infra.local import moto_queues, moto_serializer, moto_versions
from infra.local.patches import Patches, Replacement

DYNAMODB_LOCK = threading.RLock()
TOKEN_SECONDS = 600
_OPERATIONS = {"ConditionCheck", "Put", "Delete", "Update"}
_original = Patches()


class UndoLog:
    """What a transaction's items were before it, to put them back.

    Attributes
    ----------
    copied : int
        Items copied so far: the cost of the transaction, whatever the size of its tables.
    """

    def __init__(self) -> None:
        self.copied = 0
        self._entries: list[tuple[Table, DynamoType, DynamoType | None, Item | None, bool]] = []

    def remember(self, table: Table, hash_key: DynamoType, range_key: DynamoType | None) -> Item | None:
        """Keep the item as it is now (or that there is none) and return it."""
        had_partition = hash_key in table.items
        current = table.get_item(hash_key, range_key)
        if current is not None:
            self.copied += 1
        self._entries.append((table, hash_key, range_key, copy.deepcopy(current), had_partition))
        return current

    def roll_back(self) -> None:
        """Put every remembered item back, newest first; no empty partition stays behind."""
        for table, hash_key, range_key, item, had_partition in reversed(self._entries):
            if range_key is None:
                if item is None:
                    table.items.pop(hash_key, None)
                else:
                    table.items[hash_key] = item  # type: ignore[assignment]
                continue
            partition = table.items[hash_key]
            if item is None:
                partition.pop(range_key, None)
                if not partition and not had_partition:
                    table.items.pop(hash_key, None)
            else:
                partition[range_key] = item
        self._entries.clear()


def transact_write_items(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> UndoLog:
    """All of ``transact_items`` or none, as DynamoDB does it; replaces moto's copy of the tables by an undo log.

    Raises
    ------
    TransactionCanceledException
        One or more conditions failed; the reasons are in the order of the items.
    MultipleTransactionsException, TransactWriteSingleOpException, TooManyTransactionsException, MockValidationException
        The request itself is wrong.
    """
    if len(transact_items) > 100:
        raise TooManyTransactionsException()
    undo = UndoLog()
    seen: set[tuple[str, DynamoType, DynamoType | None]] = set()
    reasons: list[tuple[str | None, str | None, dict[str, Any] | None]] = []
    try:
        for item in transact_items:
            if len(item) != 1:
                raise TransactWriteSingleOpException
            operation, request = next(iter(item.items()))
            if operation not in _OPERATIONS:
                raise MockValidationException(f"Unsupported transaction operation {operation}")
            table = backend.get_table(request["TableName"])
            hash_key, range_key = backend.get_keys_value(table, request["Item" if operation == "Put" else "Key"])
            identity = (table.name, hash_key, range_key)
            if identity in seen:
                raise MultipleTransactionsException()
            seen.add(identity)
            current = undo.remember(table, hash_key, range_key)
            reasons.append(_attempt(backend, operation, request, current))
        if any(code is not None for code, _, _ in reasons):
            raise TransactionCanceledException(reasons)
    except BaseException:
        undo.roll_back()
        raise
    return undo


def _attempt(
    backend: DynamoDBBackend, operation: str, request: dict[str, Any], current: Item | None
) -> tuple[str | None, str | None, dict[str, Any] | None]:
    """Do one item of a transaction; the cancellation reason (code, message, old item), Nones when it went well."""
    expression: dict[str, Any] = {
        "condition_expression": request.get("ConditionExpression"),
        "expression_attribute_names": request.get("ExpressionAttributeNames"),
        "expression_attribute_values": request.get("ExpressionAttributeValues"),
    }
    name = request["TableName"]
    try:
        if expression["condition_expression"] is not None:
            condition = get_filter_expression(*expression.values())
            if not condition.expr(current):
                raise ConditionalCheckFailed
        if operation == "Put":
            backend.put_item(name, request["Item"], **expression)
        elif operation == "Delete":
            backend.delete_item(name, request["Key"], **expression)
        elif operation == "Update":
            backend.update_item(name, request["Key"], update_expression=request["UpdateExpression"], **expression)
    except ConditionalCheckFailed as error:
        old = None
        if request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and current is not None:
            old = current.to_json()["Attributes"]
        return "ConditionalCheckFailed", str(error.message), old
    except MockValidationException as error:  # an operand of the wrong type, an item too large: a reason, as on AWS
        return "ValidationError", str(error.message), None
    return None, None, None


class RequestTokens:
    """Client request tokens of the last ten minutes: a repeated transaction is answered, not done again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def repeated(self, token: str, items: list[dict[str, Any]]) -> bool:
        """Whether this token did exactly these items before.

        Raises
        ------
        DynamodbException
            ``IdempotentParameterMismatchException``: the same token with other items.
        """
        self._expire()
        if token not in self._seen:
            return False
        if self._seen[token][1] != _digest(items):
            raise DynamodbException(
                "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
                "The request uses the same client token as a previous, but non-identical request.",
            )
        return True

    def done(self, token: str, items: list[dict[str, Any]]) -> None:
        """Remember a transaction that went through."""
        self._seen[token] = (self._clock(), _digest(items))

    def _expire(self) -> None:
        oldest = self._clock() - TOKEN_SECONDS
        while self._seen and next(iter(self._seen.values()))[0] < oldest:
            self._seen.popitem(last=False)


def _digest(items: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(items, sort_keys=True, default=repr).encode()).hexdigest()


def _locked_call_action(handler: DynamoHandler) -> Any:
    with DYNAMODB_LOCK:
        return _original[DynamoHandler, "call_action"](handler)


def _transact_once(handler: DynamoHandler) -> Any:
    token, items = handler.body.get("ClientRequestToken"), handler.body["TransactItems"]
    tokens = handler.dynamodb_backend.__dict__.setdefault("_request_tokens", RequestTokens())
    if token and tokens.repeated(token, items):
        return ActionResult({"ConsumedCapacity": [], "ItemCollectionMetrics": {}})
    result = _original[DynamoHandler, "transact_write_items"](handler)
    if token:
        tokens.done(token, items)
    return result


def _transact_under_lock(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    with DYNAMODB_LOCK:
        transact_write_items(backend, transact_items)


def _query_one_partition(table: Table, hash_key: DynamoType | None, *args: Any, **kwargs: Any) -> Any:
    index_name = kwargs.get("index_name") or (args[6] if len(args) > 6 else None)
    if index_name is None and hash_key is not None:
        narrow = copy.copy(table)
        narrow.items = {hash_key: table.items[hash_key]} if hash_key in table.items else {}  # type: ignore[assignment]
        table = narrow
    return _original[Table, "query"](table, hash_key, *args, **kwargs)


_REPLACEMENTS: list[Replacement] = [
    (DynamoHandler, "call_action", _locked_call_action),
    (DynamoHandler, "transact_write_items", _transact_once),
    (DynamoDBBackend, "transact_write_items", _transact_under_lock),
    (Table, "query", _query_one_partition),
    (responses, "method_names_from_class", cache(responses.method_names_from_class)),
]


def install() -> None:
    """Patch moto's DynamoDB and SQS in this process; a second call does nothing."""
    _original.install(_REPLACEMENTS)
    moto_queues.install()
    moto_serializer.install()
    moto_versions.install()


def uninstall() -> None:
    """Undo :func:`install` (the race test shows what happens without it)."""
    _original.uninstall()
    moto_queues.uninstall()
    moto_serializer.uninstall()
    moto_versions.uninstall()
