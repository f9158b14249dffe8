"""DynamoDB items as plain dictionaries, and the conditional writes every block goes through.

Items are read low-level: a PynamoDB model drops the attributes it does not declare. Numbers come back as ``int`` where
they are whole, ``float`` otherwise.
"""

from __future__ import annotations

import base64
import random
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from . import clients, wire

Item = dict[str, Any]

_serializer = TypeSerializer()

RESERVE = 5.0
"""Seconds before the end of a function at which its writes give up, so that it can still tell what failed."""

_end: ContextVar[float] = ContextVar("end", default=float("inf"))
"""When the function that runs here is stopped, by ``time.monotonic``."""

RETRYABLE = frozenset(
    {
        "TransactionConflictException",
        "TransactionInProgressException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "ThrottlingError",
        "InternalServerError",
    }
)
_RETRYABLE_REASONS = frozenset({"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"})


class ConditionFailed(Exception):
    """A conditional write was refused.

    ``old`` holds, per operation of the write, the item that was there (None where that operation's own condition held).
    """

    def __init__(self, old: list[Item | None]):
        super().__init__("a condition of the write did not hold")
        self.old = old


class Contended(Exception):
    """A write kept losing against others until its time was up; nothing was written and a retry is safe."""


def _storable(value: Any) -> Any:
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return None
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {str(key): _storable(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(v) for v in value]
    return value


def attribute(value: Any) -> dict:
    """One value in DynamoDB's wire form."""
    return _serializer.serialize(_storable(value))


def to_wire(item: Item) -> dict:
    """An item in DynamoDB's wire form; floats that are not finite become null."""
    return {key: attribute(value) for key, value in item.items()}


def from_wire(item: dict | None) -> Item | None:
    """A plain dictionary from DynamoDB's wire form, as JSON or as botocore's parser has it."""
    if item is None:
        return None
    return {name: _plain(value) for name, value in item.items()}


def _plain(value: dict[str, Any]) -> Any:
    """A value from its wire form: whole numbers as ``int``, others as ``float``, sets as ``set``."""
    ((kind, content),) = value.items()
    if kind == "S" or kind == "BOOL":
        return content
    if kind == "N":
        return _number(content)
    if kind == "M":
        return {name: _plain(inner) for name, inner in content.items()}
    if kind == "L":
        return [_plain(inner) for inner in content]
    if kind == "NULL":
        return None
    if kind == "B":
        return _bytes(content)
    if kind == "SS":
        return set(content)
    return {_number(one) if kind == "NS" else _bytes(one) for one in content}


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number = Decimal(text)
        return int(number) if number == number.to_integral_value() else float(number)


def _bytes(content: str | bytes) -> bytes:
    return base64.b64decode(content) if isinstance(content, str) else content


def get(table: str, key: Item, *, consistent: bool = True) -> Item | None:
    """The item with ``key``, or None."""
    answer = wire.call("get_item", TableName=clients.table_name(table), Key=to_wire(key), ConsistentRead=consistent)
    return from_wire(answer.get("Item"))


def batch_get(table: str, keys: list[Item], *, consistent: bool = True) -> list[Item]:
    """The items with ``keys`` that exist, in no particular order; any number of keys."""
    return [from_wire(item) or {} for page in batches(table, keys, consistent=consistent) for item in page]


def batches(table: str, keys: list[Item], *, consistent: bool = True) -> Iterator[list[dict]]:
    """As :func:`batch_get`, the items still in wire form, batch by batch."""
    name = clients.table_name(table)
    for start in range(0, len(keys), 100):
        pending = {name: {"Keys": [to_wire(key) for key in keys[start : start + 100]], "ConsistentRead": consistent}}
        attempt = 0
        while pending:
            answer = wire.call("batch_get_item", RequestItems=pending)
            yield answer["Responses"].get(name, [])
            pending = answer.get("UnprocessedKeys") or {}
            if pending:
                pause(attempt)
                attempt += 1


def query(
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
    """Items of one partition in range-key order, read page by page; at most about ``limit`` of them."""
    arguments: dict[str, Any] = {"KeyConditionExpression": condition, "ScanIndexForward": not descending}
    if names:
        arguments["ExpressionAttributeNames"] = names
    if index:
        arguments["IndexName"] = index
    else:
        arguments["ConsistentRead"] = consistent
    if limit:
        arguments["Limit"] = limit
    left = limit
    for page in pages("query", table, values, **arguments):
        yield from page
        if left is not None:
            left -= len(page)
            if left <= 0:
                return


def pages(action: str, table: str, values: Item | None = None, **arguments: Any) -> Iterator[list[Item]]:
    """The items of a ``query`` or ``scan``, page by page; ``values`` without colons."""
    if values:
        arguments["ExpressionAttributeValues"] = {f":{name}": attribute(value) for name, value in values.items()}
    for page in wire.pages(action, TableName=clients.table_name(table), **arguments):
        yield [from_wire(item) or {} for item in page]


def operation(kind: str, table: str, **arguments: Any) -> dict:
    """One operation of a write: ``Put``, ``Update``, ``Delete`` or ``ConditionCheck``.

    Keyword arguments are ``item`` or ``key``, ``update``, ``condition``, ``values`` (without the colon) and ``names``.
    """
    body: dict[str, Any] = {
        "TableName": clients.table_name(table),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if "item" in arguments:
        body["Item"] = to_wire(arguments["item"])
    if "key" in arguments:
        body["Key"] = to_wire(arguments["key"])
    if arguments.get("update"):
        body["UpdateExpression"] = arguments["update"]
    if arguments.get("condition"):
        body["ConditionExpression"] = arguments["condition"]
    if arguments.get("values"):
        body["ExpressionAttributeValues"] = {f":{k}": attribute(v) for k, v in arguments["values"].items()}
    if arguments.get("names"):
        body["ExpressionAttributeNames"] = arguments["names"]
    return {kind: body}


@contextmanager
def ending_in(seconds: float) -> Iterator[None]:
    """What runs here is stopped after ``seconds``: writes give up :data:`RESERVE` before."""
    before = _end.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _end.reset(before)


def write(operations: Iterable[dict], *, seconds: float = 20.0, token: str | None = None) -> Item:
    """Do all ``operations`` or none, retrying conflicts with full jitter for at most ``seconds``.

    Where less time is left (:func:`ending_in`), it is retried for as long; tried it is at least once.

    A single Put, Update or Delete goes as itself (half the price of a transaction) and returns the new item of an
    Update. DynamoDB makes a transaction with the same request token once only, so a retry after a lost answer is safe;
    callers of single conditional updates put a mark of their own into the item and look for it in
    :attr:`ConditionFailed.old`.

    Raises
    ------
    ConditionFailed
        A condition did not hold.
    Contended
        Conflicts or throttling lasted longer than that.
    """
    batch = list(operations)
    token = token or uuid.uuid4().hex
    begun = time.monotonic()
    deadline = min(begun + seconds, _end.get() - RESERVE)
    attempt = 0
    while True:
        try:
            if len(batch) == 1 and "ConditionCheck" not in batch[0]:
                return _single(batch[0])
            wire.call("transact_write_items", TransactItems=batch, ClientRequestToken=token)
            return {}
        except ClientError as error:
            if not _is_retryable(error, len(batch)):
                raise
            cause: Exception = error
        except BotoCoreError as error:
            cause = error
        if time.monotonic() > deadline:
            tried = time.monotonic() - begun
            raise Contended(f"a write was refused for {tried:.1f} s by others writing the same items") from cause
        pause(attempt)
        attempt += 1


def _single(single: dict) -> Item:
    ((kind, body),) = single.items()
    if kind == "Update":
        return from_wire(wire.call("update_item", **body, ReturnValues="ALL_NEW").get("Attributes")) or {}
    wire.call("put_item" if kind == "Put" else "delete_item", **body)
    return {}


def _is_retryable(error: ClientError, count: int) -> bool:
    """Whether to try again; raises :class:`ConditionFailed` where a condition failed."""
    code = error.response["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        raise ConditionFailed([from_wire(error.response.get("Item"))]) from error
    if code == "TransactionCanceledException":
        reasons = error.response.get("CancellationReasons", [])
        codes = [reason.get("Code", "None") for reason in reasons]
        if "ConditionalCheckFailed" in codes:
            old = [
                from_wire(reason.get("Item")) or {} if reason.get("Code") == "ConditionalCheckFailed" else None
                for reason in reasons
            ]
            raise ConditionFailed(old + [None] * (count - len(old))) from error
        return any(reason in _RETRYABLE_REASONS for reason in codes)
    return code in RETRYABLE


def pause(attempt: int) -> None:
    """Full jitter: a random wait up to 25 ms doubled at every attempt, at most 1.6 s."""
    time.sleep(random.uniform(0, min(1.6, 0.025 * 2**attempt)))
