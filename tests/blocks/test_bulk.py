"""Bulk work is brought on a little at a time: nothing of it is lost, and nobody waits behind it."""

from __future__ import annotations

import heapq
import itertools
import json
import random
from collections import Counter

import pytest

from chalicelib.blocks import bulk
from chalicelib.domain import topology
from chalicelib.domain.bulk import BadBulkWork, BulkWork
from chalicelib.store import actions, clock, objects, queues
from tests.protocol.memory import Memory

NIGHT = 20261121
FRAMES = [f"frame#{NIGHT * 100_000 + number}" for number in range(1, 301)]
POOLS = [f"pool#bias|red|{number}#{NIGHT}" for number in range(3)]


class Observatory:
    """Queues in memory: what is sent to the blocks, what bulk work is left, and a clock."""

    def __init__(self, monkeypatch):
        self.now = 1_000_000.0
        self.depths = dict.fromkeys((block.name for block in topology.PIPELINE), 0)
        self.sent: list[tuple[str, str]] = []
        self.work: list[tuple[float, str]] = []
        self.undeliverable: list[str] = []
        monkeypatch.setattr(clock, "now", lambda: self.now)
        monkeypatch.setattr(queues, "depths", lambda: dict(self.depths))
        monkeypatch.setattr(queues, "send", lambda block, subject, delay=0: self.arrive(block, subject))
        monkeypatch.setattr(queues, "send_key", lambda key: self.arrive("ingest", key))
        monkeypatch.setattr(queues, "send_work", lambda work, delay=0: self.put(self.now + delay, work.body()))
        monkeypatch.setattr(queues, "send_undeliverable", self.undeliverable.append)

    def arrive(self, block: str, about: str) -> None:
        self.sent.append((block, about))

    def put(self, due: float, body: str) -> None:
        heapq.heappush(self.work, (due, body))

    def ask(self, **work) -> None:
        self.put(self.now, BulkWork(**work).body())

    def turn(self) -> list[str]:
        """Deliver the message of bulk work that is due first; time goes on to it."""
        due, body = heapq.heappop(self.work)
        self.now = max(self.now, due)
        return bulk.handle(body)

    def drain(self) -> None:
        """Deliver until none is left; the blocks are done with what they got before the next."""
        for _ in range(5000):
            if not self.work:
                return
            self.turn()
        raise AssertionError("bulk work never ends")


@pytest.fixture
def tables(monkeypatch) -> Memory:
    """Tables as dictionaries: moto would take half a minute for the thousands of nudges."""
    memory = Memory()
    memory.install(monkeypatch)
    return memory


@pytest.fixture
def observatory(tables, monkeypatch) -> Observatory:
    return Observatory(monkeypatch)


@pytest.fixture
def reprocessed(monkeypatch) -> list[tuple[str, str]]:
    """What was reprocessed, by whom."""
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(actions, "reprocess", lambda subject, actor: asked.append((subject, actor)))
    return asked


def test_everything_is_brought_on_once_each_to_its_block(observatory):
    for start in range(0, 300, 100):
        observatory.ask(subjects=tuple(FRAMES[start : start + 100]))
    observatory.ask(subjects=tuple(POOLS))
    observatory.drain()
    expected = [("reduce", frame) for frame in FRAMES] + [("combine", pool) for pool in POOLS]
    assert sorted(observatory.sent) == sorted(expected)


def test_a_turn_brings_on_so_many_and_the_next_comes_later(observatory):
    observatory.ask(subjects=tuple(FRAMES[:100]))
    assert observatory.turn() == ["brought on"] * topology.BULK_UNDER_WAY
    ((due, body),) = observatory.work
    assert due == observatory.now + topology.BULK_TURN
    assert BulkWork.parse(body).subjects == tuple(FRAMES[topology.BULK_UNDER_WAY : 100])


def test_many_messages_do_not_bring_on_more_than_one(observatory):
    for number in range(20):
        observatory.ask(subjects=(FRAMES[number],))
    began = observatory.now
    while observatory.now == began:
        observatory.turn()
    assert len(observatory.sent) <= topology.BULK_UNDER_WAY
    observatory.drain()
    assert sorted(observatory.sent) == sorted(("reduce", frame) for frame in FRAMES[:20])


@pytest.mark.parametrize("block", [block.name for block in topology.PIPELINE])
def test_nothing_is_brought_on_while_any_block_is_busy(observatory, block):
    observatory.depths[block] = topology.BULK_UNDER_WAY
    observatory.ask(subjects=tuple(FRAMES[:10]))
    assert observatory.turn() == ["waiting"]
    assert not observatory.sent
    observatory.depths[block] -= 3
    assert observatory.turn() == ["brought on"] * 3


def test_pools_come_before_frames_and_leave_combine_free(observatory):
    observatory.ask(subjects=(*FRAMES[:20], *POOLS))
    observatory.turn()
    assert observatory.sent[0] == ("combine", POOLS[0])
    assert Counter(block for block, _ in observatory.sent) == {
        "combine": topology.COMBINE.bulk_share,
        "reduce": topology.BULK_UNDER_WAY - topology.COMBINE.bulk_share,
    }


def test_a_night_is_taken_in_key_by_key(observatory, monkeypatch):
    keys = [f"raw/{NIGHT}/{number:04d}_x.fits" for number in range(30)]
    monkeypatch.setattr(objects, "list_raw", lambda night: [(key, "tag", 0.0) for key in keys if f"/{night}/" in key])
    observatory.ask(raw_night=NIGHT)
    observatory.turn()
    keys.append(f"raw/{NIGHT}/9999_late.fits")
    observatory.drain()
    assert observatory.sent == [("ingest", key) for key in keys]


def test_reprocessing_goes_through_the_action(observatory, reprocessed):
    observatory.ask(subjects=tuple(FRAMES[:12]), reprocess=True, actor="staff")
    observatory.drain()
    assert reprocessed == [(frame, "staff") for frame in FRAMES[:12]]
    assert not observatory.sent


def test_a_subject_that_fails_holds_up_nobody_and_ends_undeliverable(observatory, monkeypatch, reprocessed):
    def reprocess(subject, actor):
        if subject == FRAMES[3]:
            raise RuntimeError("not this one")
        reprocessed.append((subject, actor))

    monkeypatch.setattr(actions, "reprocess", reprocess)
    observatory.ask(subjects=tuple(FRAMES[:20]), reprocess=True, actor="staff")
    observatory.drain()
    assert [subject for subject, _ in reprocessed] == [*FRAMES[:3], *FRAMES[4:20]]
    (body,) = observatory.undeliverable
    assert BulkWork.parse(body) == BulkWork((FRAMES[3],), reprocess=True, actor="staff", tries=topology.MAX_RECEIVES)


@pytest.mark.parametrize("at", range(topology.BULK_UNDER_WAY + 1))
def test_dying_in_the_middle_of_a_turn_loses_nothing(observatory, monkeypatch, at):
    """It dies before the ``at``-th write of the turn, the last of which is the message of what is left."""
    writes = itertools.count()
    arrive, send_work = observatory.arrive, queues.send_work

    def die_or(do):
        if next(writes) == at:
            raise KeyboardInterrupt
        do()

    body = BulkWork(subjects=tuple(FRAMES[:40])).body()
    monkeypatch.setattr(observatory, "arrive", lambda *what: die_or(lambda: arrive(*what)))
    monkeypatch.setattr(queues, "send_work", lambda work, delay=0: die_or(lambda: send_work(work, delay=delay)))
    with pytest.raises(KeyboardInterrupt):
        bulk.handle(body)
    assert not observatory.work
    observatory.put(observatory.now + topology.BULK.visibility_timeout, body)  # SQS delivers it again
    observatory.drain()
    assert set(observatory.sent) == {("reduce", frame) for frame in FRAMES[:40]}


@pytest.mark.parametrize("body", ["no json", "[]", "{}", '{"subjects": [1]}', '{"subjects": "x"}', '{"subjects": []}'])
def test_what_is_no_bulk_work_is_refused_and_not_swallowed(observatory, body):
    with pytest.raises(BadBulkWork):
        bulk.handle(body)


class Traffic(Observatory):
    """The blocks with their slots, a frame of tonight every 20 s, and bulk work beside it.

    A message takes a slot for its block's time and then tells the next block; the object's event tells it a second
    time, which takes 0.2 s to find nothing due. A message that finds no free slot waits: first come, first served.
    """

    NEXT = {"ingest": "reduce", "combine": None, "reduce": "extract", "extract": "wavelength", "wavelength": None}

    def __init__(self, monkeypatch, seconds, stale):
        super().__init__(monkeypatch)
        self.random = random.Random(1)
        self.seconds, self.stale = seconds, stale
        self.events: list[tuple] = []
        self.numbers = itertools.count()
        self.waiting = {block.name: [] for block in topology.PIPELINE}
        self.busy: Counter[str] = Counter()
        self.history = [(self.now, dict(self.depths))]
        self.waits: list[float] = []
        monkeypatch.setattr(queues, "depths", self.seen_depths)

    def seen_depths(self):
        """The depths as they were ``stale`` seconds ago."""
        return next((d for when, d in reversed(self.history) if when <= self.now - self.stale), self.history[0][1])

    def arrive(self, block, about, *, live=False, double=False):
        super().arrive(block, about)
        self.waiting[block].append((self.now, about, live, double))
        self.start(block)

    def start(self, block):
        while self.waiting[block] and self.busy[block] < topology.BLOCK[block].concurrency:
            arrived, about, live, double = self.waiting[block].pop(0)
            if live:
                self.waits.append(self.now - arrived)
            self.busy[block] += 1
            took = 0.2 if double else self.random.uniform(0.5, 1) * self.seconds
            heapq.heappush(self.events, (self.now + took, next(self.numbers), "done", block, about, live, double))
        self.history.append((self.now, {name: len(w) + self.busy[name] for name, w in self.waiting.items()}))

    def play(self, until: float) -> None:
        for moment in range(0, int(until), 20):
            kind = ("ingest", "combine")[moment % 60 == 0]
            heapq.heappush(self.events, (self.now + moment, next(self.numbers), "live", kind, f"live {moment}", 1, 0))
        end = self.now + until
        while self.events or self.work:
            if not self.events or (self.work and self.work[0][0] < self.events[0][0]):
                self.turn()
                continue
            self.now, _, what, block, about, live, double = heapq.heappop(self.events)
            if what == "live":
                self.arrive(block, about, live=True)
                continue
            self.busy[block] -= 1
            self.start(block)
            if not double and (following := self.NEXT[block]):
                self.arrive(following, about, live=live)
                self.arrive(following, about, live=live, double=True)
            assert self.now < end + 3600, "bulk work never ends"


def played(monkeypatch, seconds, stale=0.0) -> Traffic:
    traffic = Traffic(monkeypatch, seconds, stale)
    for start in range(0, 300, 100):
        traffic.ask(subjects=tuple(FRAMES[start : start + 100]))
    traffic.ask(subjects=tuple(POOLS))
    traffic.play(1800)
    assert {about for _, about in traffic.sent} >= {*FRAMES, *POOLS}
    assert len(traffic.waits) > 300
    return traffic


@pytest.mark.parametrize("seconds", [2, 10, 30])
def test_tonights_frames_never_wait_behind_bulk_work(tables, monkeypatch, seconds):
    assert max(played(monkeypatch, seconds).waits) == 0


def test_nor_where_sqs_counts_a_minute_late(tables, monkeypatch):
    """Turns are counted by the clock, not by depths: 8 in 5 s keep 8 × 4 / 5 of 20 slots busy for blocks of 4 s."""
    assert max(played(monkeypatch, 4, stale=60).waits) == 0


def test_without_pacing_they_would(tables, monkeypatch):
    monkeypatch.setattr(bulk, "room", lambda: dict.fromkeys((b.name for b in topology.PIPELINE), 10_000))
    assert max(played(monkeypatch, 10).waits) > 20


def test_the_share_of_bulk_work_leaves_slots_free_in_every_block():
    """Even with everything told twice."""
    for block in topology.PIPELINE:
        assert 2 * min(block.bulk_share, topology.BULK_UNDER_WAY) < block.concurrency


def test_the_message_as_other_programs_write_it(observatory):
    observatory.put(0, json.dumps({"subjects": FRAMES[:2], "reprocess": False, "actor": "someone"}))
    observatory.drain()
    assert observatory.sent == [("reduce", frame) for frame in FRAMES[:2]]
