"""A small observatory in memory: objects, queues, tables, a clock, stand-in science, and crashes at will."""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
from astropy.io import fits

from chalicelib.blocks import combine, deadletter, driver, extract, ingest, reduce, sweep, wavelength
from chalicelib.blocks.entry import handle_message
from chalicelib.domain import facets, plan, records, topology
from chalicelib.domain.plan import FrameFacts, PoolFacts, Step
from chalicelib.domain.topology import BLOCK
from chalicelib.science.errors import NoTargetFound
from chalicelib.store import clients, clock, codes, items, objects, publish, queues, tables
from tests.protocol.memory import Memory

EPOCH = datetime(2026, 11, 22, 1, 0, tzinfo=timezone.utc).timestamp()
NIGHT = 20261121


class Crash(BaseException):
    """The process died here."""


@dataclass(order=True)
class Message:
    due: float
    number: int
    block: str = field(compare=False)
    body: str = field(compare=False)
    received: int = field(default=1, compare=False)


def frame_bytes(obstype: str, number: int, **cards: Any) -> bytes:
    """A tiny Goodman frame in the newest dialect; ``number`` makes its bytes and its time its own."""
    header = fits.Header()
    started = datetime.fromtimestamp(EPOCH, timezone.utc) + timedelta(minutes=number)
    arc = obstype == "ARC"
    header.update(
        {
            "INSTRUME": "ghts_red",
            "INSTCONF": "Red",
            "OBSTYPE": obstype,
            "OBJECT": "target",
            "DATE-OBS": started.strftime("%Y-%m-%dT%H:%M:%S.000"),
            "DATE": started.date().isoformat(),
            "GAIN": 1.48,
            "RDNOISE": 3.89,
            "CCDSUM": "2 2",
            "ROI": "Spectroscopic 2x2",
            "GRATING": "400_SYZY",
            "SLIT": "1.0_LONG_SLIT",
            "FILTER": "NO_FILTER",
            "FILTER2": "GG455",
            "WAVMODE": "400_M2",
            "CAM_TARG": 16.1,
            "GRT_TARG": 7.5,
            "LAMP_HGA": "TRUE" if arc else "FALSE",
            "LAMP_NE": "FALSE",
            "PROPID": "SOAR2026B-014",
            "OBSRA": "05:34:22.3",
            "OBSDEC": "-05:24:52.4",
            **cards,
        }
    )
    hdu = fits.PrimaryHDU(np.full((4, 6), number, dtype=np.uint16), header)
    buffer = io.BytesIO()
    hdu.writeto(buffer)
    return buffer.getvalue()


class World:
    """Everything the blocks touch, replaced by memory."""

    def __init__(self, monkeypatch: Any, seed: int = 0, *, minimum: int = 3, moto: bool = False) -> None:
        self.random = random.Random(seed)
        if moto:
            tables.create_all()
            self.rows = _scan
        else:
            memory = Memory()
            memory.install(monkeypatch)
            self.rows = memory.rows
        self.now = EPOCH
        self.objects: dict[str, bytes] = {}
        self.messages: list[Message] = []
        self.numbers = iter(range(10**9))
        self.writes = 0
        self.crash_at: int | None = None
        self.crash_after = False
        self.dead = False
        self.running: Counter[str] = Counter()
        self.ran: list[tuple[str, str]] = []
        self.fault: Any = None
        codes.forget()
        self._proposal("SOAR2026B-014", minimum)
        monkeypatch.setattr(clock, "now", lambda: self.now)
        monkeypatch.setattr(items, "write", self._guarded(items.write))
        monkeypatch.setattr(objects, "store", self._guarded(self._store))
        monkeypatch.setattr(queues, "send", self._guarded(self._send))
        monkeypatch.setattr(queues, "send_key", self._guarded(self._send_key))
        monkeypatch.setattr(objects, "open_raw", self._open)
        monkeypatch.setattr(objects, "list_raw", self._listed)
        for module, name in (
            (combine, "make_bias"),
            (combine, "make_flat"),
            (reduce, "make_reduced"),
            (extract, "make_spectra"),
            (wavelength, "make_calibrated"),
        ):
            monkeypatch.setattr(module, name, self._science)

    def _proposal(self, soar_id: str, minimum: int) -> None:
        """A proposal whose pools are small."""
        settings = {"minimum_biases": minimum, "minimum_flats": minimum}
        rows = (
            ("counters", {"counter": "minimums", "bias": minimum, "flat": minimum}),
            ("identities", {"identity": f"proposal#{soar_id}", "id": 1}),
            ("proposals", {"id": 1, "soar_id": soar_id, "settings": settings, "settings_revision": 1}),
        )
        items.write([items.operation("Put", table, item=item) for table, item in rows])

    def _guarded(self, write: Any) -> Any:
        """Count a write, and die before or after it if it is the one chosen; the dead write nothing."""

        def guarded(*args: Any, **kwargs: Any) -> Any:
            if self.dead:
                raise Crash
            index, self.writes = self.writes, self.writes + 1
            if index == self.crash_at and not self.crash_after:
                self.dead = True
                raise Crash
            result = write(*args, **kwargs)
            if index == self.crash_at:
                self.dead = True
                raise Crash
            return result

        return guarded

    def _store(self, key: str, data: bytes, *, content_type: str = "") -> None:
        assert self.objects.get(key, data) == data, f"{key} was written twice with other bytes"
        self.objects[key] = data
        for block in topology.BLOCKS:
            if any(key.startswith(prefix) for prefix in block.prefixes):
                self._enqueue(block.name, s3_event(key))

    def _send(self, block: str, subject: str, *, delay: int = 0) -> None:
        self._enqueue(block, json.dumps({"subject": subject}), delay)

    def _send_key(self, key: str) -> None:
        self._enqueue("ingest", json.dumps({"key": key}))

    def _enqueue(self, block: str, body: str, delay: float = 0) -> None:
        self.messages.append(Message(self.now + delay, next(self.numbers), block, body))

    def _open(self, key: str) -> objects.Opened | None:
        data = self.objects.get(key)
        if data is None:
            return None
        return objects.Opened(io.BytesIO(data), len(data), datetime.fromtimestamp(self.now, timezone.utc), etag(data))

    def _science(self, step: Step, facts: Any) -> list[driver.Product]:
        """Products whose bytes are a pure function of the run key; never two runs of a subject at once."""
        o = facts.observation
        raw = facts.raw if isinstance(facts, FrameFacts) else None
        self.ran.append((raw.name if raw else facts.kind, step.stage))
        if self.fault is not None:
            self.fault(step, facts)
        if step.stage == plan.EXTRACT and o.object == "empty":
            raise NoTargetFound("No spectrum stands out of the sky.")
        master = isinstance(facts, PoolFacts)
        targets = (1, 2) if step.stage == plan.EXTRACT and not step.provisional else (1,)
        if step.stage == plan.WAVELENGTH:
            targets = tuple(i.target for i in step.inputs if i.role == "spectrum")
        data_type = {"bias": "1", "flat": "1", "reduce": "2", "extract": "3", "wavelength": "4"}[step.stage]
        prefix = {
            "1": topology.MASTERS,
            "2": topology.REDUCED_SPECTRUM,
            "3": topology.EXTRACTED,
            "4": topology.CALIBRATED,
        }
        return [
            driver.Product(
                role=plan.PRODUCT_ROLE[step.stage],
                kind=step.stage,
                prefix=prefix[data_type],
                name=f"{step.stage}_{target}.fits",
                data=f"{step.run_key} {target}".encode(),
                data_type=data_type,
                observation=o,
                parent=(0, "") if master else (raw.id, raw.name),
                original=None if master else (raw.id, raw.name),
                target=None if master else target,
                scope=records.MASTERS_SCOPE if master else None,
            )
            for target in targets
        ]

    def upload(self, key: str, data: bytes) -> None:
        """An observer's upload, with its event."""
        self.objects[key] = data
        self._enqueue("ingest", s3_event(key))

    def step(self, *, shuffle: bool = False, duplicate: float = 0.0, drop: float = 0.0) -> bool:
        """Deliver one message that is due; False when none is left. Time jumps to the next one when none is due."""
        if not self.messages:
            return False
        due = [m for m in self.messages if m.due <= self.now]
        if not due:
            self.now = min(m.due for m in self.messages)
            due = [m for m in self.messages if m.due <= self.now]
        message = self.random.choice(due) if shuffle else min(due)
        self.messages.remove(message)
        if self.random.random() < drop:
            return True
        if self.random.random() < duplicate:
            self._enqueue(message.block, message.body, self.random.choice((0, 1, 40)))
        self.deliver(message)
        return True

    def deliver(self, message: Message) -> None:
        """Run a message's handler; after a crash it becomes visible again when its visibility timeout is over."""
        block = BLOCK[message.block]
        self.now += 0.01
        try:
            if block is topology.DEADLETTER:
                deadletter.handle(message.body)
            else:
                handle_message(block, message.body, HANDLERS[block.name])
        except Crash:
            self.dead, self.crash_at = False, None
            self._enqueue(message.block, message.body, block.visibility_timeout)
        except Exception:
            if message.received < topology.MAX_RECEIVES:
                again = Message(self.now + 30, next(self.numbers), message.block, message.body, message.received + 1)
                self.messages.append(again)
            else:
                self._enqueue("deadletter", message.body)

    def drain(self, **how: Any) -> None:
        """Deliver until nothing is left."""
        for _ in range(5000):
            if not self.step(**how):
                return
        raise AssertionError("the messages never end: a livelock")

    def sweep(self) -> None:
        """The minute's sweep, when every lease has run out."""
        self.now += 600
        sweep.sweep()

    def _listed(self, night: int) -> list[tuple[str, str]]:
        return [(key, etag(data)) for key, data in self.objects.items() if key.startswith(f"raw/{night}/")]

    def settle(self, **how: Any) -> None:
        """Drain, sweep and drain again until the sweep finds nothing."""
        self.drain(**how)
        for _ in range(10):
            self.sweep()
            if not self.messages:
                return
            self.drain()
        raise AssertionError("subjects stay open for ever")

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """All visible records by identity, without what the clock or the order of ids decides."""
        names = {item["id"]: name for name, item in self._identity_names().items()}
        result = {}
        for record in self.rows("files"):
            if record.get("retired"):
                continue
            kept = {
                name: record.get(name)
                for name in (
                    "file_name status status_reason provisional sha256 run_key scope night data_type obstype target"
                ).split()
            }
            kept["inputs"] = [(i["role"], names[i["id"]]) for i in record["inputs"]]
            kept["bytes"] = hashlib.sha256(self.objects[record["key"]]).hexdigest()
            assert kept["bytes"] == record["sha256"]
            result[names[record["id"]]] = kept
        return result

    def _identity_names(self) -> dict[str, dict]:
        """Identities with raw ids replaced by the raw's own identity, so that they do not depend on the order."""
        rows = {item["identity"]: item for item in self.rows("identities")}
        raws = {str(item["id"]): name for name, item in rows.items() if name.startswith(("raw#", "unreadable#"))}
        named = {}
        for name, item in rows.items():
            if name.startswith(("object#", "proposal#")):
                continue
            if name.startswith("product#"):
                head, origin, rest = name.split("#", 2)
                name = f"{head}#{raws.get(origin, origin)}#{rest}"
            named[name] = item
        return named

    def check(self) -> None:
        """The invariants that hold whenever nothing is in flight."""
        counts: Counter[tuple[str, int, str]] = Counter()
        listed = set()
        for record in self.rows("files"):
            if not record.get("retired"):
                counts[record["scope"], record["night"], codes.encode(facets.of(record))] += 1
                listed.add((record["night"], record["id"]))
        ledger: Counter[tuple[str, int, str]] = Counter()
        for item in self.rows("ledger"):
            numbers = {k: v for k, v in item.items() if k.startswith(publish.COUNT) and v}
            assert item["n"] == sum(numbers.values())
            for code, number in numbers.items():
                ledger[item["proposal"], item["night"], code.removeprefix(publish.COUNT)] += number
        assert ledger == counts
        assert listed == {(row["night"], row["id"]) for row in self.rows("listing")}
        for subject in self.rows("subjects"):
            assert "open" not in subject and "lease_until" not in subject, subject
        for record in self.rows("files"):
            assert record["status"] in ("done", "provisional", "waiting", "failed", "rejected")
            assert record["status_reason"] != "In the queue.", record["file_name"]
        searched = {row["id"] for row in self.rows("configurations")}
        assert all(not (items.get("files", {"id": i}) or {}).get("retired") for i in searched)


HANDLERS = {
    "ingest": ingest.handle,
    "combine": combine.handle,
    "reduce": reduce.handle,
    "extract": extract.handle,
    "wavelength": wavelength.handle,
}


def _scan(table: str) -> list[items.Item]:
    """Every item of a table in moto."""
    pages = clients.dynamodb().get_paginator("scan").paginate(TableName=clients.table_name(table))
    return [items.from_wire(item) for page in pages for item in page["Items"]]


def etag(data: bytes) -> str:
    """S3's tag of an object's content."""
    return hashlib.md5(data).hexdigest()


def s3_event(key: str) -> str:
    """The body S3 sends for a created object; keys are URL-encoded, blanks as plus signs."""
    from urllib.parse import quote_plus

    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "goodman-live"}, "object": {"key": quote_plus(key, safe="/")}},
    }
    return json.dumps({"Records": [record]})


TEST_EVENT = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "goodman-live"})
