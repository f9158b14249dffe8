"""Nights played through the real blocks with the real science, over mocked AWS in this process.

S3 is moto's; so are the tables where asked for, else they are the dictionaries of ``tests/protocol/memory.py`` (which a
test holds against moto), for moto needs more time than the science. Queues are a list delivered in order (what is
delayed comes last), S3's notifications are made by whoever writes an object, and the clock is a number. What a handler
raises is redelivered as a queue would, ends with DEADLETTER, and is kept in :attr:`Night.raised`: the tests expect
nothing there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, BinaryIO
from urllib.parse import quote_plus

import pytest

from chalicelib.blocks import combine, deadletter, extract, ingest, reduce, wavelength
from chalicelib.blocks.entry import handle_message
from chalicelib.domain import topology
from chalicelib.domain.topology import BLOCK
from chalicelib.store import clients, clock, items, objects, queues
from tests.conftest import mocked_aws
from tests.protocol.memory import Memory

START = datetime(2026, 8, 15, 1, 0, tzinfo=timezone.utc).timestamp()
PROPOSAL = "SOAR2026B-014"
HANDLERS: dict[str, Callable[[str], Any]] = {
    "ingest": ingest.handle,
    "combine": combine.handle,
    "reduce": reduce.handle,
    "extract": extract.handle,
    "wavelength": wavelength.handle,
}


@dataclass(frozen=True)
class Upload:
    """An object that arrives under ``raw/``.

    ``data`` is its bytes, or what opens a stream of them for an object too large for a test's memory; ``seconds`` of
    the observatory's clock pass (negative: it is set back) before it comes.
    """

    name: str
    data: bytes | Callable[[], BinaryIO]
    seconds: float = 1.0
    folder: str = "20260814"

    @property
    def key(self) -> str:
        """Where it lies in the bucket."""
        return f"raw/{self.folder}/{self.name}"


@dataclass
class Night:
    """What is there when nothing is left to do."""

    records: list[dict[str, Any]] = field(default_factory=list)
    subjects: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    versions: dict[str, set[str]] = field(default_factory=dict)
    raised: list[str] = field(default_factory=list)

    def raws(self, name: str) -> list[dict[str, Any]]:
        """The visible raw records with this file name, oldest first."""
        found = [r for r in self.records if r["file_name"] == name and r["data_type"] == "0"]
        return sorted(found, key=lambda r: r["id"])

    def raw(self, name: str) -> dict[str, Any]:
        """The one visible raw record with this file name."""
        (found,) = self.raws(name)
        return found

    def made_from(self, name: str) -> dict[str, dict[str, Any]]:
        """Visible products of a raw file by data type (of the first target; an arc's lamps excepted)."""
        raw = self.raws(name)[-1]["id"]
        own = [
            r for r in self.records if r["original_file_id"] == raw and r["id"] != raw and "_for_" not in r["file_name"]
        ]
        return {r["data_type"]: r for r in sorted(own, key=lambda r: -(r["target"] or 0))}

    def masters(self, kind: str) -> list[dict[str, Any]]:
        """Visible masters of a kind (``bias``, ``flat``)."""
        return [r for r in self.records if r["data_type"] == "1" and r["file_name"].startswith(f"master_{kind}")]

    def codes(self, name: str) -> dict[str, str]:
        """Failure code of each failed stage of a raw file."""
        stages = self.subjects[f"frame#{self.raws(name)[-1]['id']}"].get("stages") or {}
        return {stage: state["code"] for stage, state in stages.items() if state["outcome"] == "failed"}

    def pools(self, kind: str) -> list[dict[str, Any]]:
        """The pools' subjects of a kind."""
        return [s for name, s in self.subjects.items() if name.startswith(f"pool#master_{kind}|")]

    def role(self, record: dict[str, Any], role: str) -> dict[str, Any] | None:
        """The record of a product's input."""
        ids = [i["id"] for i in record["inputs"] if i["role"] == role]
        return next((r for r in self.records if r["id"] in ids), None)


def play(uploads: Iterable[Upload | list[Upload]], *, minimum: int = 3, moto: bool = False) -> Night:
    """Take in a night; uploads in one list arrive together, each other one when all before are dealt with.

    ``minimum`` members make a master for the test's proposal; ``moto``: its DynamoDB holds the tables.
    """
    with pytest.MonkeyPatch.context() as patch, mocked_aws():
        desk = _Desk(patch, minimum, moto)
        for group in uploads:
            for upload in group if isinstance(group, list) else [group]:
                desk.receive(upload)
            desk.drain()
        return desk.night()


class _Desk:
    """Queues, clock and the objects that are only streams."""

    def __init__(self, patch: pytest.MonkeyPatch, minimum: int, moto: bool) -> None:
        self.now = START
        self.rows: Callable[[str], list[dict[str, Any]]] = _scan
        if not moto:
            memory = Memory()
            memory.install(patch)
            self.rows = memory.rows
        self.waiting: list[tuple[float, int, str, str, int]] = []
        self.sent = 0
        self.raised: list[str] = []
        self.streams: dict[str, Callable[[], BinaryIO]] = {}
        store, open_raw = objects.store, objects.open_raw

        def stored(key: str, data: bytes, **more: Any) -> None:
            store(key, data, **more)
            self.notify(key)

        def opened(key: str, *version: Any, **more: Any) -> objects.Opened | None:
            found = open_raw(key, *version, **more)
            if key not in self.streams or found is None:
                return found
            return objects.Opened(self.streams[key](), 200_000_000, found.modified, found.etag, found.version)

        patch.setattr(clock, "now", lambda: self.now)
        patch.setattr(objects, "store", stored)
        patch.setattr(objects, "open_raw", opened)
        patch.setattr(objects, "_cache", type(objects._cache)())
        patch.setattr(queues, "send", self.send)
        patch.setattr(queues, "send_key", lambda key: self.push("ingest", json.dumps({"key": key})))
        settings = {"minimum_biases": minimum, "minimum_flats": minimum}
        rows = (
            ("counters", {"counter": "minimums", "bias": minimum, "flat": minimum}),
            ("identities", {"identity": f"proposal#{PROPOSAL}", "id": 1}),
            ("proposals", {"id": 1, "soar_id": PROPOSAL, "settings": settings, "settings_revision": 1}),
        )
        items.write([items.operation("Put", table, item=item) for table, item in rows])

    def receive(self, upload: Upload) -> None:
        self.now += upload.seconds
        data = upload.data
        if callable(data):
            self.streams[upload.key], data = data, b"stands for a stream"
        clients.s3().put_object(Bucket=clients.bucket(), Key=upload.key, Body=data)
        self.notify(upload.key)

    def notify(self, key: str) -> None:
        record = {"eventName": "ObjectCreated:Put", "s3": {"object": {"key": quote_plus(key, safe="/")}}}
        for block in topology.BLOCKS:
            if any(key.startswith(prefix) for prefix in block.prefixes):
                self.push(block.name, json.dumps({"Records": [record]}))

    def send(self, block: str, subject: str, *, delay: int = 0, **_: Any) -> None:
        self.push(block, json.dumps({"subject": subject}), delay)

    def push(self, block: str, body: str, delay: float = 0, received: int = 1) -> None:
        self.sent += 1
        self.waiting.append((self.now + delay, self.sent, block, body, received))

    def drain(self) -> None:
        for _ in range(5000):
            if not self.waiting:
                return
            message = min(self.waiting)
            self.waiting.remove(message)
            due, _, block, body, received = message
            self.now = max(self.now, due) + 0.01
            try:
                if block == "deadletter":
                    deadletter.handle(body)
                else:
                    handle_message(BLOCK[block], body, HANDLERS[block])
            except Exception as error:
                self.raised.append(f"{block}: {error!r}")
                again = ("deadletter", 0, 1) if received >= topology.MAX_RECEIVES else (block, 30, received + 1)
                self.push(again[0], body, again[1], again[2])
        raise AssertionError("the messages never end: a livelock")

    def night(self) -> Night:
        records = [r for r in self.rows("files") if not r.get("retired")]
        for record in records:
            items.to_wire(record)  # DynamoDB would refuse what this cannot write
        kept = [r["key"] for r in records if r["data_type"] in ("3", "4")]
        bodies = {key: clients.s3().get_object(Bucket=clients.bucket(), Key=key)["Body"].read() for key in kept}
        subjects = {s["subject"]: s for s in self.rows("subjects")}
        return Night(records, subjects, self.rows("events"), bodies, _versions(), self.raised)


def _scan(table: str) -> list[dict[str, Any]]:
    pages = clients.dynamodb().get_paginator("scan").paginate(TableName=clients.table_name(table))
    return [items.from_wire(item) for page in pages for item in page["Items"]]


def _versions() -> dict[str, set[str]]:
    """The versions of each object under ``raw/``."""
    pages = clients.s3().get_paginator("list_object_versions").paginate(Bucket=clients.bucket(), Prefix=topology.RAW)
    found: dict[str, set[str]] = {}
    for page in pages:
        for entry in page.get("Versions", ()):
            found.setdefault(entry["Key"], set()).add(entry["VersionId"])
    return found
