"""The in-memory stand-in behaves as moto's DynamoDB does."""

from __future__ import annotations

import pytest
from moto import mock_aws

from chalicelib.store import clients, codes, items
from tests.protocol.memory import Memory
from tests.protocol.test_histories import frames
from tests.protocol.world import World


@pytest.fixture
def aws(monkeypatch):
    with mock_aws():
        clients.forget()
        yield
    clients.forget()
    codes.forget()


def _night(monkeypatch, **how) -> World:
    world = World(monkeypatch, 7, **how)
    for key, data in frames().items():
        world.upload(key, data)
    world.drain(shuffle=True, duplicate=0.2)
    world.check()
    return world


def test_the_same_night_in_moto_and_in_memory(aws, monkeypatch):
    with pytest.MonkeyPatch.context() as patch:
        expected = _night(patch).snapshot()
    codes.forget()
    assert _night(monkeypatch, moto=True).snapshot() == expected


@pytest.mark.parametrize(
    "operation",
    [
        items.operation("Put", "identities", item={"identity": "a", "id": 1}, condition="attribute_not_exists(id)"),
        items.operation("Delete", "identities", key={"identity": "a"}, condition="id = :x", values={"x": 5}),
    ],
    ids=["put", "delete"],
)
def test_refusals_show_the_item_that_was_there(aws, monkeypatch, operation):
    from chalicelib.store import tables

    tables.create_all()
    first = items.operation("Put", "identities", item={"identity": "a", "id": 2})
    other = items.operation("Put", "identities", item={"identity": "b", "id": 3})
    seen = []
    memory = Memory()
    for write in (items.write, memory.write):
        write([first])
        for batch in ([operation], [other, operation]):
            with pytest.raises(items.ConditionFailed) as refused:
                write(batch)
            seen.append(refused.value.old)
    assert seen[:2] == seen[2:] == [[{"identity": "a", "id": 2}], [None, {"identity": "a", "id": 2}]]
