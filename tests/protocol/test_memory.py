"""The in-memory stand-in behaves as moto's DynamoDB does."""

from __future__ import annotations

import random

import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from chalicelib.store import clients, codes, identities, items, tables
from tests.protocol.frames import frames
from tests.protocol.memory import STALE_WRITES, Memory, Violation
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


CHANGES = {
    "put": {"kind": "Put", "item": {"identity": "a", "id": 1}, "condition": "attribute_not_exists(id)"},
    "delete": {"kind": "Delete", "key": {"identity": "a"}, "condition": "id = :x", "values": {"x": 5}},
}


def _refused(change: dict) -> list:
    """What a refused change tells, alone and in a transaction."""
    change = dict(change)
    kind = change.pop("kind")
    items.write([items.operation("Put", "identities", item={"identity": "a", "id": 2})])
    seen = []
    for others in ([], [items.operation("Put", "identities", item={"identity": "b", "id": 3})]):
        with pytest.raises(items.ConditionFailed) as refused:
            items.write([*others, items.operation(kind, "identities", **change)])
        seen.append(refused.value.old)
    return seen


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_refusals_show_the_item_that_was_there(aws, change):
    tables.create_all()
    real = _refused(change)
    with pytest.MonkeyPatch.context() as patch:
        Memory().install(patch)
        assert _refused(change) == real == [[{"identity": "a", "id": 2}], [None, {"identity": "a", "id": 2}]]


def _versions(consistent: bool) -> set[int]:
    return {(items.get("counters", {"counter": "a"}, consistent=consistent) or {"n": 0})["n"] for _ in range(200)}


def test_reads_that_are_not_consistent_may_be_old(monkeypatch):
    Memory(chance=random.Random(0)).install(monkeypatch)
    for _ in range(3):
        identities.next_number("a")
    assert _versions(consistent=True) == {3}
    assert _versions(consistent=False) == {0, 1, 2, 3}
    for _ in range(STALE_WRITES):
        identities.next_number("b")
    assert _versions(consistent=False) == {3}


@pytest.mark.parametrize("table", ["configurations", "interests", "subjects"])
def test_tables_that_must_be_read_consistently_are(monkeypatch, table):
    memory = Memory()
    memory.install(monkeypatch)
    with pytest.raises(Violation):
        items.get(table, dict.fromkeys(memory.keys[table], "x"), consistent=False)
    with pytest.raises(Violation):
        list(items.query(table, f"{memory.keys[table][0]} = :x", {"x": "x"}, consistent=False))


def test_a_transaction_whose_answer_was_lost_is_not_done_twice(monkeypatch):
    lost = [True, False]

    def guard(service, execute):
        result = execute()
        if lost.pop(0):
            raise ReadTimeoutError(endpoint_url=service)
        return result

    memory = Memory(guard)
    memory.install(monkeypatch)
    added = [
        items.operation("Update", "counters", key={"counter": name}, update="ADD n :one", values={"one": 1})
        for name in "ab"
    ]
    items.write(added)
    assert [row["n"] for row in memory.rows("counters")] == [1, 1]
    assert not lost
