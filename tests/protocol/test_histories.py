"""A small night in any order, with messages doubled and lost and a crash at every write: one end state."""

from __future__ import annotations

import random
from functools import cache

import pytest

from tests.protocol.world import NIGHT, TEST_EVENT, World, frame_bytes

NIGHT_FRAMES = {
    **{f"raw/{NIGHT}/{n:04d}_bias.fits": ("BIAS", n, {"GRATING": "930_SYZY", "SLIT": "NO_MASK"}) for n in range(3)},
    **{f"raw/{NIGHT}/{n:04d}_flat.fits": ("LAMPFLAT", n, {}) for n in range(3, 6)},
    f"raw/{NIGHT}/0006 arc+1.fits": ("ARC", 6, {}),
    f"raw/{NIGHT}/0007_star.fits": ("SPECTRUM", 7, {}),
    f"raw/{NIGHT}/0008_empty.fits": ("SPECTRUM", 8, {"OBJECT": "empty"}),
    f"raw/{NIGHT}/0009_focus.fits": ("FOCUS", 9, {}),
    f"raw/{NIGHT}/0010_image.fits": ("EXPOSE", 10, {"GRATING": "NO_GRATING", "WAVMODE": "IMAGING"}),
}


@cache
def frames() -> dict[str, bytes]:
    night = {key: frame_bytes(kind, n, **cards) for key, (kind, n, cards) in NIGHT_FRAMES.items()}
    return night | {f"raw/{NIGHT}/notes.txt": b"not a frame"}


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
    world._enqueue("ingest", TEST_EVENT)
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


SMALL = [key for key in NIGHT_FRAMES if "flat" not in key and key[13:17] in ("0000", "0001", "0002", "0006", "0007")]
"""The frames of the night whose every write is crashed in turn: a pool, an arc, a spectrum of two targets."""


def _small(monkeypatch: pytest.MonkeyPatch, seed: int = 0, **crash: object) -> World:
    world = World(monkeypatch, seed)
    for name, value in crash.items():
        setattr(world, name, value)
    for key in SMALL:
        world.upload(key, frames()[key])
    world.drain()
    return world


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_every_write_loses_nothing(after):
    with pytest.MonkeyPatch.context() as monkeypatch:
        world = _small(monkeypatch)
        total, expected = world.writes, world.snapshot()
    assert total > 100
    for index in range(total):
        with pytest.MonkeyPatch.context() as monkeypatch:
            world = _small(monkeypatch, crash_at=index, crash_after=after)
            world.check()
            assert world.snapshot() == expected, f"after a crash at write {index}"
