"""An observatory with a night taken in, and the command line against it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sqs.models import sqs_backends

from chalicelib.blocks import deadletter, ingest
from chalicelib.domain import topology
from chalicelib.store import clients, items, queues, tables
from infra.local import resources
from infra.operate.__main__ import main
from tests.protocol.frames import NIGHT, frames

TAKEN_IN = tuple(key for key in frames() if key[13:17] in ("0000", "0001", "0002", "0006", "0007", "0009"))
NEVER = f"raw/{NIGHT}/0050_never.fits"
LATE_EVENING = datetime(2026, 11, 22, 2)
"""In the frames' night; UT without a zone, as moto keeps it."""
JUNK = f"raw/{NIGHT}/0060_junk.fits"


@dataclass
class Answer:
    """What a command ended with and said."""

    code: int
    out: str
    err: str


class Observatory:
    """Buckets, tables and queues of moto in this process."""

    def put(self, key: str, data: bytes) -> None:
        clients.s3().put_object(Bucket=clients.bucket(), Key=key, Body=data)

    def send(self, queue: str, body: Any) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        clients.sqs().send_message(QueueUrl=queues.queue_url(queue), MessageBody=text)

    def take(self, queue: str) -> list[Any]:
        """Take all messages out of a queue, those delayed too; their bodies."""
        url, found = queues.queue_url(queue), []
        while messages := clients.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(message["Body"])
                clients.sqs().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(body) if body.startswith("{") else body for body in found]

    def empty(self) -> None:
        """Forget what waits in the blocks' queues (SQS's own purge may be asked for once a minute only)."""
        for block in topology.BLOCKS:
            there = sqs_backends[DEFAULT_ACCOUNT_ID][clients.REGION].get_queue(block.queue)
            there._messages.clear()

    def record(self, name: str) -> dict[str, Any]:
        wire = clients.dynamodb().scan(TableName=clients.table_name("files"))["Items"]
        (found,) = [r for r in map(items.from_wire, wire) if r["file_name"] == name]
        return found


@pytest.fixture
def observatory(aws, monkeypatch) -> Observatory:
    monkeypatch.setenv("GOODMAN_BUCKET", clients.bucket())
    # What cannot be read is of the night in which it came: here that is the frames' night, whenever the tests run.
    monkeypatch.setattr("moto.s3.models.utcnow", lambda: LATE_EVENING)
    resources.create_queues()
    there = Observatory()
    smallest = {"counter": "minimums", "bias": 3, "flat": 3}
    items.write([items.operation("Put", "counters", item=smallest)])
    return there


_rows: dict[str, dict[str, list[Any]]] = {}
"""What the tables hold at a stage of the night: made by the first test that needs it, given to the others."""


def _fill(stage: str, make: Callable[[], None]) -> None:
    names = [model.Meta.table_name for model in tables.MODELS]
    if stage not in _rows:
        make()
        _rows[stage] = {name: clients.dynamodb().scan(TableName=name)["Items"] for name in names}
        return
    puts = [(name, {"PutRequest": {"Item": row}}) for name in names for row in _rows[stage][name]]
    for few in batched(puts, 25, strict=False):
        request: dict[str, list[Any]] = {}
        for name, put in few:
            request.setdefault(name, []).append(put)
        clients.dynamodb().batch_write_item(RequestItems=request)


@pytest.fixture
def night(observatory) -> Observatory:
    """A night taken in; nothing of it is reduced yet, and the queues are empty."""

    def take_in() -> None:
        for key in (*TAKEN_IN, JUNK):
            ingest.handle(key)

    for key in TAKEN_IN:
        observatory.put(key, frames()[key])
    observatory.put(JUNK, b"no frame")
    _fill("taken in", take_in)
    observatory.empty()
    return observatory


@pytest.fixture
def failed_night(night) -> Observatory:
    """The same, after REDUCE, COMBINE and, on one more object, INGEST stopped four times."""

    def fail() -> None:
        for name in ("0007_star.fits", "0006 arc+1.fits"):
            deadletter.handle(json.dumps({"subject": f"frame#{night.record(name)['id']}"}))
        deadletter.handle(json.dumps({"subject": pool_of(night)}))
        deadletter.handle(json.dumps({"key": NEVER}))

    night.put(NEVER, b"")
    _fill("failed", fail)
    night.empty()
    return night


def pool_of(night: Observatory) -> str:
    """The pool of the night's biases."""
    from infra.operate import files

    pool = files.pool_of(night.record("0000_bias.fits"))
    assert pool is not None
    return pool


@pytest.fixture
def operate(capsys) -> Callable[..., Answer]:
    """Run a command; what it ended with and said."""

    def run(*arguments: str) -> Answer:
        before = dict(os.environ)
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code
        finally:
            os.environ.clear()
            os.environ.update(before)
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return run
