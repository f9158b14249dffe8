"""Items decoded from their JSON are those boto3 would decode."""

from __future__ import annotations

from decimal import Decimal

import pytest
from boto3.dynamodb.types import Binary, TypeDeserializer
from botocore.exceptions import ClientError

from chalicelib.store import clients, items, wire

ITEM = {
    "id": 7,
    "text": 'é "quoted" \u2028',
    "whole": 12345678901234567890,
    "negative": -3,
    "fraction": 0.1,
    "small": 1.5e-30,
    "large": 1e22,
    "yes": True,
    "no": False,
    "nothing": None,
    "bytes": b"\x00\xff",
    "list": [1, "a", [None, {"x": 2.5}]],
    "map": {"a": {"b": [True]}, "empty": ""},
    "names": {"a", "b"},
    "numbers": {1, 2},
    "blobs": {b"a", b"b"},
}


@pytest.fixture
def filled(aws: None):
    items.write([items.operation("Put", "files", item=ITEM)])
    for number in range(8, 20):
        items.write([items.operation("Put", "files", item={"id": number})])


def _boto(value):
    """What boto3's deserializer gives, in our types."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _boto(v) for key, v in value.items()}
    if isinstance(value, list | set):
        return type(value)(_boto(v) for v in value)
    return bytes(value) if isinstance(value, Binary) else value


def test_every_kind_of_value_by_every_read(filled):
    parsed = clients.dynamodb().get_item(TableName="goodman-files", Key={"id": {"N": "7"}})["Item"]
    expected = {name: _boto(TypeDeserializer().deserialize(value)) for name, value in parsed.items()}
    assert expected == ITEM
    (queried,) = items.query("files", "id = :id", {"id": 7})
    (batch,) = items.batch_get("files", [{"id": 7}])
    changed = items.write([items.operation("Update", "files", key={"id": 7}, update="REMOVE absent")])
    for found in (items.get("files", {"id": 7}), queried, batch, changed, items.from_wire(parsed)):
        assert found == ITEM
        assert type(found["large"]) is int and type(found["yes"]) is bool


def test_a_refused_write_shows_the_item_as_any_read_does(filled):
    refused = items.operation("Put", "files", item={"id": 7}, condition="attribute_not_exists(id)")
    for writes in ([refused], [refused, items.operation("Put", "files", item={"id": 30})]):
        with pytest.raises(items.ConditionFailed) as told:
            items.write(writes)
        assert told.value.old[0] == ITEM


def test_what_is_not_there(filled):
    assert items.get("files", {"id": 1}) is None
    assert items.batch_get("files", [{"id": 1}]) == []
    assert list(items.query("files", "id = :id", {"id": 1})) == []


def test_pages_are_read_to_the_end(filled):
    found = [int(i["id"]["N"]) for page in wire.pages("scan", TableName="goodman-files", Limit=5) for i in page]
    assert sorted(found) == list(range(7, 20))
    assert sorted(row["id"] for page in items.pages("scan", "files", Limit=5) for row in page) == sorted(found)


def test_more_keys_than_a_batch_takes(filled):
    found = items.batch_get("files", [{"id": number} for number in range(8, 250)])
    assert sorted(item["id"] for item in found) == list(range(8, 20))


def test_keys_that_were_not_processed_are_asked_for_again(filled, monkeypatch):
    real, asked = wire.call, []

    def half(operation, RequestItems):
        ((name, wanted),) = RequestItems.items()
        asked.append(len(wanted["Keys"]))
        now, later = wanted["Keys"][:2], wanted["Keys"][2:]
        answer = real(operation, RequestItems={name: wanted | {"Keys": now}})
        return answer | {"UnprocessedKeys": {name: wanted | {"Keys": later}} if later else {}}

    monkeypatch.setattr(wire, "call", half)
    monkeypatch.setattr(items, "pause", lambda attempt: None)
    assert sorted(one["id"] for one in items.batch_get("files", [{"id": n} for n in range(8, 13)])) == [*range(8, 13)]
    assert asked == [5, 3, 1]


def test_errors_come_as_from_the_client_and_other_calls_are_parsed_as_ever(filled):
    with pytest.raises(ClientError, match="ResourceNotFound"):
        wire.call("scan", TableName="goodman-nowhere")
    assert clients.dynamodb().get_item(TableName="goodman-files", Key={"id": {"N": "8"}})["Item"] == {"id": {"N": "8"}}
