"""Attribute values leave moto as they came in, of every type and depth, whoever writes the answer."""

from __future__ import annotations

import pytest

from chalicelib.store import clients
from infra.local import moto_serializer
from infra.local.moto_server import MotoServer

ITEM = {
    "id": {"S": "one"},
    "size_of_it": {"N": "-1.5"},
    "flag": {"BOOL": False},
    "nothing": {"NULL": True},
    "empty": {"S": ""},
    "words": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2"]},
    "bytes": {"B": b"\x00\xff"},
    "map": {"M": {"S": {"S": "a name like a type"}, "deep": {"M": {"n": {"N": "1"}, "l": {"L": [{"S": "x"}]}}}}},
    "list": {"L": [{"M": {"b": {"B": b"inside"}}}, {"L": []}, {"BOOL": True}]},
    "none": {"M": {}},
}


@pytest.mark.parametrize("patched", [True, False], ids=["ours", "moto's own"])
def test_items_come_back_as_they_were_put(moto: MotoServer, patched: bool):
    client = clients.dynamodb()
    client.create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    if not patched:
        moto_serializer.uninstall()
    try:
        client.put_item(TableName="things", Item=ITEM)
        answers = [
            client.get_item(TableName="things", Key={"id": {"S": "one"}})["Item"],
            client.scan(TableName="things")["Items"][0],
            client.batch_get_item(RequestItems={"things": {"Keys": [{"id": {"S": "one"}}]}})["Responses"]["things"][0],
            client.update_item(
                TableName="things",
                Key={"id": {"S": "one"}},
                UpdateExpression="SET size_of_it = size_of_it",
                ReturnValues="ALL_NEW",
            )["Attributes"],
        ]
    finally:
        moto_serializer.install()
    for answer in answers:
        assert {k: sorted(v["SS"]) if "SS" in v else v for k, v in answer.items() if k != "numbers"} == {
            k: sorted(v["SS"]) if "SS" in v else v for k, v in ITEM.items() if k != "numbers"
        }
        assert sorted(answer["numbers"]["NS"]) == ["1", "2"]
