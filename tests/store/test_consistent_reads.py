"""Every read of ``configurations``, ``interests`` and ``subjects`` is consistent: matching and leases rest on it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chalicelib.store import accounts, clients, configurations, identities, items, subjects
from tests.protocol.frames import NIGHT, SMALL, frames
from tests.protocol.world import World

CONSISTENT = ("configurations", "interests", "subjects")
SPARSE = ("subjects", "open")
"""The one index that may be read: DynamoDB's indexes are never consistent, and the sweeper looks again each minute."""


class Reads:
    """What was read of the consistent tables, and how.

    Attributes
    ----------
    seen : Counter
        (operation, table) → how often.
    stale : list of str
        Reads that may give an answer from before the last write.
    """

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()
        self.stale: list[str] = []

    def note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """botocore's hook: what was asked, as it was asked."""
        for table, asked in _asked(model.name, params):
            if table not in CONSISTENT:
                continue
            self.seen[model.name, table] += 1
            sparse = (table, asked.get("IndexName")) == SPARSE
            transaction = model.name == "TransactGetItems"  # serializable, whatever it is given
            if not (asked.get("ConsistentRead") is True or sparse or transaction):
                self.stale.append(f"{model.name} on {table}: {asked}")


def _asked(operation: str, params: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(table, its part of the request) of everything a request reads."""
    parts: Iterable[tuple[str, dict[str, Any]]] = ()
    if operation in ("GetItem", "Query", "Scan"):
        parts = [(params["TableName"], params)]
    elif operation == "BatchGetItem":
        parts = params["RequestItems"].items()
    elif operation == "TransactGetItems":
        parts = [(entry["Get"]["TableName"], entry["Get"]) for entry in params["TransactItems"]]
    elif operation in ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"):
        raise AssertionError(f"{operation} is not used here: this test could not see what it reads")
    for name, part in parts:
        yield name.removeprefix(clients.table_prefix()), part


@contextmanager
def watched() -> Iterator[Reads]:
    """Watch every DynamoDB request of this process's client."""
    reads, events = Reads(), clients.dynamodb().meta.events
    events.register("provide-client-params.dynamodb.*", reads.note, unique_id="consistent-reads")
    try:
        yield reads
    finally:
        events.unregister("provide-client-params.dynamodb.*", unique_id="consistent-reads")


def test_a_whole_night_reads_consistently(aws, monkeypatch):
    world = World(monkeypatch, 3, moto=True)
    for key in SMALL:
        world.upload(key, frames()[key])
    with watched() as reads:
        world.settle(shuffle=True, duplicate=0.2, drop=0.1)
    world.check()
    assert reads.stale == []
    for read in (("GetItem", "subjects"), ("Query", "configurations"), ("Query", "interests")):
        assert reads.seen[read] > 0, read
    assert reads.seen["Query", "subjects"] >= 1  # the sweep's look at the sparse index


def test_the_doors_of_the_store_read_consistently(aws):
    subject = subjects.frame_subject(NIGHT * 100000 + 1)
    with watched() as reads:
        lease = subjects.take(subject, 100)
        assert lease is not None
        subjects.refresh(lease)
        assert subjects.release(lease, settled=True)
        configurations.register_interests(["a", "b"], subject, NIGHT)
        assert list(configurations.interested("a", NIGHT)) == [subject]
        assert configurations.candidates("a", NIGHT) == ()
        items.batch_get("configurations", [{"configuration": "a", "member": "b"}])
        list(subjects.open_subjects())
    assert reads.stale == []
    assert set(reads.seen) == {
        ("GetItem", "subjects"),
        ("Query", "interests"),
        ("Query", "configurations"),
        ("BatchGetItem", "configurations"),
        ("Query", "subjects"),
    }


def test_other_tables_may_be_read_as_they_like(aws):
    with watched() as reads:
        accounts.viewer_of("unknown")
        identities.known("unknown")
        items.get("files", {"id": 1}, consistent=False)
    assert reads.stale == [] and not reads.seen


KEY = {"configuration": {"S": "a"}, "member": {"S": "b"}}


@pytest.mark.parametrize(
    "read",
    [
        lambda: items.get("subjects", {"subject": "frame#1"}, consistent=False),
        lambda: items.batch_get("configurations", [{"configuration": "a", "member": "b"}], consistent=False),
        lambda: list(items.query("interests", "configuration = :c", {"c": "a"}, consistent=False)),
        lambda: clients.dynamodb().get_item(TableName=clients.table_name("configurations"), Key=KEY),
        lambda: clients.dynamodb().scan(TableName=clients.table_name("subjects")),
    ],
    ids=["get", "batch", "query", "default", "scan"],
)
def test_an_eventually_consistent_read_is_found(aws, read):
    with watched() as reads:
        read()
    assert len(reads.stale) == 1


def test_a_transaction_reads_consistently_by_itself(aws):
    with watched() as reads:
        clients.dynamodb().transact_get_items(
            TransactItems=[{"Get": {"TableName": clients.table_name("configurations"), "Key": KEY}}]
        )
    assert reads.stale == [] and reads.seen["TransactGetItems", "configurations"] == 1


def test_nothing_reads_through_a_model():
    """PynamoDB has a client of its own, which the hook does not see: models declare tables and do nothing else."""
    import chalicelib

    source = Path(next(iter(chalicelib.__path__)))
    reading = re.compile(r"\btables\.[A-Z]\w+\.|from \.+(store\.)?tables import")
    found = [str(path) for path in source.rglob("*.py") if reading.search(path.read_text())]
    assert found == []
