"""A small observatory in memory: the blocks as they are, over tables, objects and queues that fail at will."""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Callable
from copy import copy
from importlib import import_module
from typing import Any

from botocore.exceptions import ReadTimeoutError

from chalicelib.blocks import combine, extract, reduce, sweep, wavelength
from chalicelib.blocks.entry import handle_message
from chalicelib.domain import facets, matching, topology
from chalicelib.domain.plan import FrameFacts, Step
from chalicelib.domain.topology import BACK_OFF, BLOCK
from chalicelib.science import rawfile
from chalicelib.store import clients, clock, codes, items, publish, queues, tables
from tests.protocol import science
from tests.protocol.cloud import Bucket, Message, Queues
from tests.protocol.frames import EPOCH
from tests.protocol.invocation import Crash, Invocation
from tests.protocol.memory import Memory, Violation, refusal

SCIENCE = (
    (combine, "make_bias"),
    (combine, "make_flat"),
    (reduce, "make_reduced"),
    (extract, "make_spectra"),
    (wavelength, "make_calibrated"),
)
HANDLERS = {name: import_module(f"chalicelib.blocks.{name}").handle for name in BLOCK}
TAKING_BODIES = ("deadletter", "bulk")
"""Blocks that are handed messages as they are; the others are told what a message names."""

REFUSED = "ValidationException"

TROUBLES = ("conflict", "throttled", "lost answer", "lost request", "refused")
"""What can happen to a write besides a crash: the first four are answered with a try again in the store's helper."""


class World:
    """Everything the blocks touch, replaced by memory; ``real`` keeps the real science, ``moto`` a mocked DynamoDB."""

    def __init__(
        self, monkeypatch: Any, seed: int = 0, *, minimum: int = 3, moto: bool = False, real: bool = False
    ) -> None:
        self.random = random.Random(seed)
        self.now = EPOCH
        self.queues = Queues(self.guard, lambda: self.now)
        self.bucket = Bucket(self.guard, self.queues)
        self.writes = 0
        self.crash_at: int | None = None
        self.crash_after = False
        self.dead = False
        self.troubles: dict[int, str] = {}
        self.current: Invocation | None = None
        self.handled: dict[Invocation | None, Message] = {}
        self.paused: list[Invocation] = []
        self.leases: dict[str, list[float]] = {}
        self.ran: list[tuple[str, str]] = []
        self.errors: list[str] = []
        self.fault: Callable[[Step, Any], None] | None = None
        self.rows: Callable[[str], list[items.Item]]
        if moto:
            tables.create_all()
            self.rows = _scan
        else:
            self.memory = Memory(self.guard, self.random)
            self.memory.install(monkeypatch)
            self.rows = self.memory.rows
        codes.forget()
        monkeypatch.setattr(clients, "s3", lambda: self.bucket)
        monkeypatch.setattr(clients, "sqs", lambda: self.queues)
        monkeypatch.setattr(queues, "queue_url", lambda queue: f"memory:/{queue}")
        monkeypatch.setattr(clock, "now", lambda: self.now)
        for module, name in SCIENCE:
            made = getattr(module, name) if real else science.make
            monkeypatch.setattr(module, name, self._watched(made))
        if not real:
            monkeypatch.setattr(rawfile, "scan", science.scan)
        self._proposal("SOAR2026B-014", minimum)
        self.writes = 0

    @property
    def messages(self) -> list[Message]:
        """What some block will get, now or later."""
        return self.queues.waiting()

    def _proposal(self, soar_id: str, minimum: int) -> None:
        """A proposal whose pools are small."""
        settings = {"minimum_biases": minimum, "minimum_flats": minimum}
        rows = (
            ("counters", {"counter": "minimums", "bias": minimum, "flat": minimum}),
            ("identities", {"identity": f"proposal#{soar_id}", "id": 1}),
            ("proposals", {"id": 1, "soar_id": soar_id, "settings": settings, "settings_revision": 1}),
        )
        items.write([items.operation("Put", table, item=item) for table, item in rows])

    # ---- what can happen at a write

    def guard(self, service: str, execute: Callable[[], Any]) -> Any:
        """Do a write, or die before or after it, or be told what did not happen; the dead write nothing."""
        if self.dead:
            raise Crash
        if self.current is not None:
            self.current.point()
        index, self.writes = self.writes, self.writes + 1
        trouble = self.troubles.pop(index, None)
        if trouble is not None:
            self._disturb(service, trouble, execute)
        if index == self.crash_at and not self.crash_after:
            self.dead = True
            raise Crash
        result = execute()
        if index == self.crash_at:
            self.dead = True
            raise Crash
        return result

    def _disturb(self, service: str, trouble: str, execute: Callable[[], Any]) -> None:
        """Raise what the client raises. Outside DynamoDB only boto3 itself tries again, so a handler sees the error."""
        if service != "dynamodb" or trouble == "refused":
            message = self.handled.get(self.current)
            if message is not None and message.failures >= topology.MAX_RECEIVES - 2:
                return  # a message that fails every time ends as a failed record, and so in another end state
            if trouble == "lost answer":
                execute()
            raise refusal(REFUSED)
        if trouble == "lost answer":
            execute()
        if trouble in ("lost answer", "lost request"):
            raise ReadTimeoutError(endpoint_url=service)
        if trouble == "throttled":
            raise refusal("ProvisionedThroughputExceededException")
        raise refusal("TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}])

    def _watched(self, make: Callable[..., Any]) -> Callable[..., Any]:
        """The science, which may stand still while it runs. No two runs of a subject hold its lease at once."""

        def run(step: Step, facts: Any) -> Any:
            subject = self._subject(facts)
            lease = (items.get("subjects", {"subject": subject}) or {}).get("lease_until", 0.0)
            held = self.leases.setdefault(subject, [])
            if any(until >= self.now for until in held):
                raise Violation(f"{subject} is run twice at once: {step.stage}")
            self.ran.append((subject, step.stage))
            held.append(lease)
            try:
                if self.current is not None:
                    self.current.point()
                if self.fault is not None:
                    self.fault(step, facts)
                return make(step, facts)
            finally:
                held.remove(lease)

        return run

    def _subject(self, facts: Any) -> str:
        if isinstance(facts, FrameFacts):
            return f"frame#{facts.raw.id}"
        return str(matching.pool_of(facts.observation))

    # ---- what happens

    def upload(self, key: str, data: bytes) -> None:
        """An observer's upload, with its event."""
        self.bucket.upload(key, data)

    def step(self, *, shuffle: bool = False, duplicate: float = 0.0, drop: float = 0.0) -> bool:
        """Deliver one message that is due; False when none is left. Time jumps to the next one when none is due."""
        if not self.messages:
            return False
        message = self.next(shuffle=shuffle)
        if self.random.random() < drop:
            self.queues.delete(message)
            return True
        if self.random.random() < duplicate:
            self.queues.put(message.block, message.body, self.random.choice((0, 1, 40)))
        self.deliver(message)
        return True

    def next(self, *, shuffle: bool = False) -> Message:
        """The message that is due, or any of those that are; time jumps to the first if none is."""
        if not self.queues.due():
            self.now = min(m.due for m in self.messages)
        due = self.queues.due()
        return self.random.choice(due) if shuffle else due[0]

    def deliver(self, message: Message) -> None:
        """Run a message's handler to its end."""
        try:
            self._handle(message)
        except Crash:
            self._buried()

    def _buried(self) -> None:
        """The process that crashed is gone; the next one lives."""
        if self.dead:
            self.dead, self.crash_at = False, None

    def start(self, message: Message, points: int) -> None:
        """Run a message's handler up to a point, where it stands until it is resumed or killed."""
        self._begin(Invocation(lambda: self._handle(message)), points)

    def start_sweep(self, points: int) -> None:
        """The sweep, up to a point."""
        self._begin(Invocation(self._sweep), points)

    def _begin(self, invocation: Invocation, points: int) -> None:
        self.paused.append(invocation)
        self.resume(invocation, points)

    def resume(self, invocation: Invocation, points: int) -> None:
        """Let a handler that stands still go on for so many points."""
        self.current = invocation
        try:
            invocation.advance(points)
        finally:
            self.current = None
            if invocation.finished:
                self.paused.remove(invocation)
            self._buried()

    def kill(self, invocation: Invocation) -> None:
        """A handler dies where it stands."""
        self.paused.remove(invocation)
        self.current = invocation
        try:
            invocation.kill()
        finally:
            self.current = None

    def finish(self) -> None:
        """Let every handler that stands still run to its end."""
        for invocation in list(self.paused):
            self.resume(invocation, 10**9)

    def close(self) -> None:
        """End the threads of a history that is given up."""
        while self.paused:
            self.kill(self.paused[-1])

    def _handle(self, message: Message) -> None:
        """As SQS does: hidden from others for a while, deleted after success, tried again after an error."""
        block = BLOCK[message.block]
        self.now += 0.01
        message.due = self.now + block.visibility_timeout
        self.handled[self.current] = message
        try:
            if block.name in TAKING_BODIES:
                HANDLERS[block.name](message.body)
            else:
                handle_message(block, message.body, HANDLERS[block.name])
        except Exception as error:
            self._note(block.name, error)
            message.failures += 1
            message.due = self.now + BACK_OFF[min(message.failures, len(BACK_OFF)) - 1]
            if message.failures < topology.MAX_RECEIVES:
                return
            if block is not topology.DEADLETTER:
                self.queues.put("deadletter", message.body)
        self.queues.delete(message)

    def _note(self, who: str, error: Exception) -> None:
        """Remember an error that is not of our own making."""
        if REFUSED not in str(error):
            self.errors.append(f"{who}: {error!r}")

    def drain(self, **how: Any) -> None:
        """Deliver until nothing is left."""
        for _ in range(5000):
            if not self.step(**how):
                return
        raise Violation("the messages never end: a livelock")

    def sweep(self) -> None:
        """The minute's sweep, when every lease has run out."""
        self.now += 600
        try:
            self._sweep()
        except Crash:
            self._buried()

    def _sweep(self) -> None:
        try:
            sweep.sweep()
        except Exception as error:  # nobody repeats a sweep that failed but the next one
            self._note("sweep", error)

    def settle(self, **how: Any) -> None:
        """Drain, sweep and drain again, in peace, until the sweep finds nothing."""
        self.drain(**how)
        self.crash_at, self.troubles = None, {}
        for _ in range(20):
            self.sweep()
            if not self.messages:
                return
            self.drain()
        raise Violation("subjects stay open for ever")

    # ---- what is there

    def snapshot(self, variants: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
        """All visible records by identity, without what the clock or the order of ids decides.

        ``variants`` gives names to the variants whose own name depends on ids.
        """
        names = self.names(variants)
        result = {}
        for record in self.rows("files"):
            if not is_visible(record):
                continue
            kept = {name: record.get(name) for name in _COMPARED}
            kept["status_reason"] = re.sub(r"\b\d{13}\b", lambda m: names[int(m[0])], record["status_reason"])
            kept["inputs"] = [(i["role"], names[i["id"]]) for i in record["inputs"]]
            kept["bytes"] = hashlib.sha256(self.bucket[record["key"]]).hexdigest()
            kept["bad"] = bool(record.get("bad"))
            result[names[record["id"]]] = kept
        return result

    def names(self, variants: dict[str, str] | None = None) -> dict[int, str]:
        """Identities by id, raw ids in them replaced by the raw's own identity: the same in any order."""
        rows = [(item["identity"], item["id"]) for item in self.rows("identities")]
        raws = {str(number): name for name, number in rows if name.startswith(("raw#", "unreadable#"))}
        named = {}
        for name, number in rows:
            if name.startswith(("object#", "proposal#")):
                continue
            if name.startswith("product#"):
                origin, stage, target, variant = name.removeprefix("product#").rsplit("#", 3)
                variant = (variants or {}).get(variant, variant)
                name = f"product#{raws.get(origin, origin)}#{stage}#{target}#{variant}"
            named[number] = name
        return named

    def fork(self, monkeypatch: Any) -> World:
        """Another world in the same state, installed in this one's place."""
        other = World(monkeypatch)
        other.now = self.now
        other.memory.take_over(self.memory)
        other.bucket.versions = {key: list(versions) for key, versions in self.bucket.versions.items()}
        other.bucket.uploaded = dict(self.bucket.uploaded)
        other.queues.messages = [copy(message) for message in self.queues.messages]
        return other

    def check(self) -> None:
        """The invariants that hold whenever nothing is in flight."""
        assert not self.paused
        counts: Counter[tuple[str, int, str]] = Counter()
        listed = set()
        visible = [record for record in self.rows("files") if is_visible(record)]
        for record in visible:
            counts[record["scope"], record["night"], codes.encode(facets.of(record))] += 1
            listed.add((record["night"], record["id"]))
            assert record["status"] in ("done", "provisional", "waiting", "failed", "rejected")
            assert record["status_reason"] != "In the queue.", record["file_name"]
        ledger: Counter[tuple[str, int, str]] = Counter()
        for item in self.rows("ledger"):
            numbers = {k: v for k, v in item.items() if k.startswith(publish.COUNT) and v}
            assert item["n"] == sum(numbers.values())
            for code, number in numbers.items():
                ledger[item["proposal"], item["night"], code.removeprefix(publish.COUNT)] += number
        assert ledger == counts, "the ledger does not count what is there"
        assert listed == {(row["night"], row["id"]) for row in self.rows("listing")}
        for subject in self.rows("subjects"):
            assert "open" not in subject and "lease_until" not in subject, subject
        assert all(event["sentence"].strip() for event in self.rows("events"))
        shown = {record["id"] for record in visible}
        for row in self.rows("configurations"):
            served = not row["configuration"].startswith(matching.NAME_PREFIX) and not row.get("withdrawn")
            assert not served or row["id"] in shown, row


_COMPARED = "file_name status provisional sha256 run_key scope night data_type obstype target".split()


def is_visible(record: dict[str, Any]) -> bool:
    """Whether a record is published: neither retired nor deleted by somebody."""
    return not record.get("retired") and not record.get("deleted")


def _scan(table: str) -> list[items.Item]:
    """Every item of a table in moto."""
    pages = clients.dynamodb().get_paginator("scan").paginate(TableName=clients.table_name(table))
    return [items.from_wire(item) or {} for page in pages for item in page["Items"]]
