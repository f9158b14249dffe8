"""moto's DynamoDB under several writers at once: without infra.local.moto_locks these tests fail."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import Item

from infra.local import moto_locks

THREADS = 8


@pytest.fixture(autouse=True)
def eager_threads() -> Iterator[None]:
    """Let threads take turns at nearly every instruction, so that a race shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """Run ``work(0)`` … at the same moment in as many threads."""
    gate = threading.Barrier(threads)

    def run(number: int) -> Any:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def key(h: str, r: str = "r") -> dict[str, Any]:
    return {"h": {"S": h}, "r": {"S": r}}


def number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def add(h: str, amount: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": "t",
            "Key": key(h),
            "UpdateExpression": "ADD n :a",
            "ExpressionAttributeValues": {":a": number(amount)},
            **more,
        }
    }


def put(h: str, r: str = "r", **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": "t", "Item": {**key(h, r), "n": number(1)}, **more}}


def impossible(h: str, r: str = "r") -> dict[str, Any]:
    return {"ConditionCheck": {"TableName": "t", "Key": key(h, r), "ConditionExpression": "attribute_exists(nothing)"}}


def items(dynamodb: Any) -> dict[tuple[str, str], dict[str, Any]]:
    pages = dynamodb.get_paginator("scan").paginate(TableName="t")
    return {(item["h"]["S"], item["r"]["S"]): item for page in pages for item in page["Items"]}


def cancelled(dynamodb: Any, operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    with pytest.raises(ClientError) as error:
        dynamodb.transact_write_items(TransactItems=operations)
    assert error.value.response["Error"]["Code"] == "TransactionCanceledException"
    return error.value.response["CancellationReasons"]


def test_a_failing_transaction_does_not_take_others_writes_back(dynamodb):
    """moto restores its copy of the whole table: what was written since the copy is gone."""

    def write(thread: int) -> int:
        for turn in range(15):
            if thread % 2:
                with pytest.raises(ClientError):
                    dynamodb.transact_write_items(TransactItems=[put(f"failed{thread}"), impossible("x", str(turn))])
            else:
                dynamodb.put_item(TableName="t", Item=key(f"kept{thread}", str(turn)))
        return thread

    at_once(write)
    kept = [pair for pair in items(dynamodb) if pair[0].startswith("kept")]
    assert len(kept) == 15 * THREADS // 2
    assert not [pair for pair in items(dynamodb) if pair[0].startswith("failed")]


def test_a_condition_has_one_winner(dynamodb):
    def race(_: int) -> list[bool]:
        won = []
        for turn in range(30):
            try:
                dynamodb.put_item(
                    TableName="t", Item=key("one", str(turn)), ConditionExpression="attribute_not_exists(h)"
                )
                won.append(True)
            except ClientError as error:
                assert error.response["Error"]["Code"] == "ConditionalCheckFailedException"
                won.append(False)
        return won

    for turn in zip(*at_once(race), strict=True):
        assert sum(turn) == 1


def test_no_addition_is_lost_and_transactions_are_seen_whole(dynamodb):
    """Two items always changed together in one transaction never differ for a transactional reader."""

    def write(thread: int) -> list[tuple[str, str]]:
        seen = []
        for _ in range(15):
            dynamodb.transact_write_items(TransactItems=[add("left"), add("right")])
            got = dynamodb.transact_get_items(
                TransactItems=[{"Get": {"TableName": "t", "Key": key(h)}} for h in ("left", "right")]
            )
            seen.append(tuple(answer["Item"]["n"]["N"] for answer in got["Responses"]))
        return seen

    for thread in at_once(write):
        assert all(left == right for left, right in thread)
    assert {h: item["n"]["N"] for (h, _), item in items(dynamodb).items()} == {
        "left": str(15 * THREADS),
        "right": str(15 * THREADS),
    }


def test_a_failed_transaction_leaves_no_trace(dynamodb):
    """Puts, updates, deletes and nested changes before the failing item are undone, to the empty partition."""
    nested = {**key("old"), "n": number(1), "m": {"M": {"a": number(1)}}, "s": {"SS": ["x"]}}
    dynamodb.put_item(TableName="t", Item=nested)
    dynamodb.put_item(TableName="t", Item=key("gone"))
    table = dynamodb_backends["123456789012"]["us-east-1"].tables["t"]
    before, partitions = items(dynamodb), set(table.items)
    update = {
        "TableName": "t",
        "Key": key("old"),
        "UpdateExpression": "SET m.a = :two, m.b = :two ADD n :two, s :set",
        "ExpressionAttributeValues": {":two": number(2), ":set": {"SS": ["y"]}},
    }
    reasons = cancelled(
        dynamodb,
        [
            {"Update": update},
            {"Delete": {"TableName": "t", "Key": key("gone")}},
            put("new"),
            add("counter"),
            impossible("old", "other"),
        ],
    )
    assert [reason["Code"] for reason in reasons] == ["None"] * 4 + ["ConditionalCheckFailed"]
    assert items(dynamodb) == before
    assert set(table.items) == partitions
    assert dynamodb.transact_write_items(TransactItems=[{"Update": update}])
    changed = items(dynamodb)["old", "r"]
    assert changed["m"] == {"M": {"a": number(2), "b": number(2)}}
    assert changed["n"] == number(3)
    assert set(changed["s"]["SS"]) == {"x", "y"}


def test_a_request_that_is_wrong_is_undone_too(dynamodb):
    """The same item twice is refused; moto alone undoes this one, but keeps the first write of other faults."""
    with pytest.raises(ClientError, match="multiple operations on one item"):
        dynamodb.transact_write_items(TransactItems=[put("a"), add("b"), add("b")])
    assert items(dynamodb) == {}
    dynamodb.put_item(TableName="t", Item={**key("text"), "n": {"S": "no number"}})
    reasons = cancelled(dynamodb, [put("a"), add("text")])
    assert [reason["Code"] for reason in reasons] == ["None", "ValidationError"]
    assert set(items(dynamodb)) == {("text", "r")}


def test_reasons_name_every_failed_condition_and_give_the_old_item(dynamodb):
    dynamodb.put_item(TableName="t", Item={**key("a"), "n": number(7)})
    wrong = {"ConditionExpression": "n = :a", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    reasons = cancelled(dynamodb, [add("a", 5, **wrong), put("b"), add("c", 5, **wrong)])
    assert [reason["Code"] for reason in reasons] == ["ConditionalCheckFailed", "None", "ConditionalCheckFailed"]
    assert reasons[0]["Item"] == {**key("a"), "n": number(7)}
    assert "Item" not in reasons[2]


def test_cost_does_not_grow_with_the_table(dynamodb, monkeypatch):
    """Items copied by a transaction, whether it goes through or not, in a small and in a large table."""
    copies: list[Item] = []
    original = Item.__deepcopy__

    def counted(item: Item, memo: dict[int, Any]) -> Item:
        copies.append(item)
        return original(item, memo)

    monkeypatch.setattr(Item, "__deepcopy__", counted)
    backend = dynamodb_backends["123456789012"]["us-east-1"]

    def copied(rows: int) -> tuple[int, int]:
        for row in range(rows):
            backend.put_item("t", {**key("h", str(row)), "n": number(1)})
        operations = [put("h", "0"), add("counter"), {"Delete": {"TableName": "t", "Key": key("h", "1")}}]
        copies.clear()
        cancelled(dynamodb, [*operations, impossible("h", "2")])
        failed = len(copies)
        copies.clear()
        dynamodb.transact_write_items(TransactItems=operations)
        done = len(copies)
        dynamodb.delete_item(TableName="t", Key=key("counter"))
        return failed, done

    small = copied(5)
    assert 0 < max(small) < 10
    assert copied(1000) == small


def test_the_same_token_is_done_once(dynamodb):
    """botocore repeats a transaction under its token when a connection breaks."""
    for _ in range(3):
        dynamodb.transact_write_items(TransactItems=[add("a")], ClientRequestToken="token")
    assert items(dynamodb)["a", "r"]["n"] == number(1)
    with pytest.raises(ClientError) as error:
        dynamodb.transact_write_items(TransactItems=[add("a", 2)], ClientRequestToken="token")
    assert error.value.response["Error"]["Code"] == "IdempotentParameterMismatchException"


def test_a_failed_transactions_token_may_be_tried_again(dynamodb):
    check = {"ConditionExpression": "attribute_exists(h)"}
    with pytest.raises(ClientError):
        dynamodb.transact_write_items(TransactItems=[add("a", **check)], ClientRequestToken="token")
    dynamodb.put_item(TableName="t", Item=key("a"))
    dynamodb.transact_write_items(TransactItems=[add("a", **check)], ClientRequestToken="token")
    assert items(dynamodb)["a", "r"]["n"] == number(1)


def test_tokens_are_forgotten_after_ten_minutes():
    now = [0.0]
    tokens = moto_locks.RequestTokens(clock=lambda: now[0])
    tokens.done("token", [add("a")])
    now[0] = 599.0
    assert tokens.repeated("token", [add("a")])
    now[0] = 601.0
    assert not tokens.repeated("token", [add("a")])


def test_a_query_sees_its_partition_in_order_and_by_pages(dynamodb):
    for r in range(7):
        dynamodb.put_item(TableName="t", Item=key("h", str(r)))
    dynamodb.put_item(TableName="t", Item=key("other", "3"))
    arguments = {
        "TableName": "t",
        "KeyConditionExpression": "h = :h AND r >= :r",
        "ExpressionAttributeValues": {":h": {"S": "h"}, ":r": {"S": "2"}},
    }
    pages = dynamodb.get_paginator("query").paginate(**arguments, PaginationConfig={"PageSize": 2})
    assert [[item["r"]["S"] for item in page["Items"]] for page in pages][:3] == [["2", "3"], ["4", "5"], ["6"]]
    none = dynamodb.query(**arguments | {"ExpressionAttributeValues": {":h": {"S": "none"}, ":r": {"S": "2"}}})
    assert none["Items"] == []
