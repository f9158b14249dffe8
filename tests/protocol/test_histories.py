"""A small night in any order, with messages doubled and lost and a crash at every write: one end state."""

from __future__ import annotations

import random

import pytest

from tests.protocol.cloud import TEST_EVENT
from tests.protocol.frames import SMALL, frames
from tests.protocol.world import TROUBLES, World


def clean_run(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(monkeypatch)
    for key, data in frames().items():
        world.upload(key, data)
    world.drain()
    return world


@pytest.fixture(scope="module")
def expected() -> dict:
    with pytest.MonkeyPatch.context() as monkeypatch:
        world = clean_run(monkeypatch)
        world.check()
        return world.snapshot()


def test_a_clean_night(monkeypatch):
    world = clean_run(monkeypatch)
    world.check()
    statuses = {record["file_name"]: record["status"] for record in world.snapshot().values()}
    assert statuses["0007_star.fits"] == "done"
    assert statuses["0008_empty.fits"] == "failed"
    assert statuses["0009_focus.fits"] == "done"
    assert statuses["0006 arc+1.fits"] == "done"
    assert statuses["0010_image.fits"] == "provisional"  # no flat of its own
    assert statuses["notes.txt"] == "rejected"
    assert sum(name.startswith(("bias", "flat")) for name in statuses) == 2
    assert sum(name.startswith("wavelength") for name in statuses) == 2


def test_a_sweep_finds_nothing_to_do(monkeypatch):
    world = clean_run(monkeypatch)
    world.sweep()
    assert not world.messages


@pytest.mark.parametrize("seed", range(40))
def test_any_order_gives_the_same_night(monkeypatch, expected, seed):
    world = World(monkeypatch, seed)
    world.queues.put("ingest", TEST_EVENT)
    uploads = list(frames().items())
    random.Random(seed).shuffle(uploads)
    for key, data in uploads:
        world.upload(key, data)
        for _ in range(world.random.randrange(4)):
            world.step(shuffle=True, duplicate=0.3)
    world.drain(shuffle=True, duplicate=0.2)
    world.check()
    assert world.snapshot() == expected


@pytest.mark.parametrize("seed", range(20))
def test_lost_messages_are_swept(monkeypatch, expected, seed):
    world = World(monkeypatch, 1000 + seed)
    for key, data in frames().items():
        world.upload(key, data)
    world.settle(shuffle=True, duplicate=0.1, drop=0.2)
    world.check()
    assert world.snapshot() == expected


def _small(monkeypatch: pytest.MonkeyPatch, seed: int = 0, **crash: object) -> World:
    world = World(monkeypatch, seed)
    for name, value in crash.items():
        setattr(world, name, value)
    for key in SMALL:
        world.upload(key, frames()[key])
    world.drain()
    return world


@pytest.fixture(scope="module")
def small() -> tuple[int, dict]:
    """How many writes the small night takes, and how it ends."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        world = _small(monkeypatch)
        world.check()
        assert world.writes > 100
        return world.writes, world.snapshot()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_every_write_loses_nothing(small, after):
    writes, expected = small
    for index in range(writes):
        with pytest.MonkeyPatch.context() as monkeypatch:
            world = _small(monkeypatch, crash_at=index, crash_after=after)
            world.check()
            assert not world.errors
            assert world.snapshot() == expected, f"after a crash at write {index}"


LONG = ("conflict", "throttled", "lost request", "refused")


@pytest.mark.parametrize("trouble", [pytest.param(t, marks=[pytest.mark.long] if t in LONG else []) for t in TROUBLES])
def test_trouble_at_every_write_changes_nothing(small, trouble):
    """Lost answers, conflicts, throttling, and errors that only a later attempt gets over."""
    writes, expected = small
    for index in range(writes):
        with pytest.MonkeyPatch.context() as monkeypatch:
            world = _small(monkeypatch, troubles={index: trouble})
            world.check()
            assert not world.errors
            assert world.snapshot() == expected, f"{trouble} at write {index}"


def test_a_handler_that_stalls_at_every_write_does_no_harm(small):
    """It stands still until its lease is over and all others are done, and then goes on: a zombie."""
    writes, expected = small
    for index in range(writes):
        with pytest.MonkeyPatch.context() as monkeypatch:
            world = World(monkeypatch)
            for key in SMALL:
                world.upload(key, frames()[key])
            while world.messages and world.writes < index:
                world.start(world.next(), index - world.writes)
            stalled = list(world.paused)
            world.drain()
            world.finish()
            world.drain()
            world.check()
            assert not world.errors
            assert world.snapshot() == expected, f"{len(stalled)} stalled at write {index}"
