"""A lower minimum makes masters of pools that waited; the smallest in use is exact whoever changes his."""

from __future__ import annotations

import pytest

from chalicelib.domain.records import MASTER_TYPE
from chalicelib.domain.settings import DEFAULTS
from chalicelib.store import items, minimums, proposals, queues, revisions
from tests.protocol.frames import frames
from tests.protocol.world import World


def waiting(monkeypatch: pytest.MonkeyPatch, biases: int = 4) -> World:
    """A night whose pools are too small for the observatory's minimum."""
    world = World(monkeypatch, minimum=10)
    for key, data in sorted(frames().items()):
        if key.endswith("_bias.fits") and biases:
            world.upload(key, data)
            biases -= 1
    world.drain()
    assert not masters(world)
    return world


def masters(world: World) -> list[str]:
    return sorted(r["file_name"] for r in world.rows("files") if r["data_type"] == MASTER_TYPE)


def lower(number: int = 1, **settings: int) -> None:
    given, _ = revisions.of(proposals.get(number) or {})
    revisions.revise(number, given, settings, whole=False, actor="pi")


def test_the_next_sweep_after_a_lower_minimum_has_the_master_made(monkeypatch):
    world = waiting(monkeypatch)
    lower(minimum_biases=4)
    world.drain()
    assert not masters(world), "nobody was told yet"
    world.sweep()
    world.drain()
    assert not world.errors
    assert len(masters(world)) == 1
    world.sweep()
    assert not world.messages, "the walk is over"


def test_pools_that_are_still_too_small_or_were_large_enough_are_left_alone(monkeypatch):
    waiting(monkeypatch)
    told: list[str] = []
    monkeypatch.setattr(queues, "send_bulk", lambda pools, **_: told.extend(pools))
    lower(minimum_biases=5)
    minimums.tell()
    assert told == [], "four members are too few for five"
    lower(minimum_biases=3)
    minimums.tell()
    assert len(told) == 1
    minimums.tell()
    assert len(told) == 1
    lower(minimum_flats=3)
    minimums.tell()
    assert len(told) == 1, "a minimum of flats tells no biases"


def test_a_higher_minimum_tells_nobody(monkeypatch):
    world = waiting(monkeypatch)
    lower(minimum_biases=20)
    world.sweep()
    assert not world.messages
    assert minimums.smallest("bias") == DEFAULTS.minimum_biases


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", range(3))
def test_a_crash_at_any_write_leaves_the_masters_to_the_next_sweep(monkeypatch, write, after):
    world = waiting(monkeypatch)
    lower(minimum_biases=4)
    world.crash_at, world.crash_after = world.writes + write, after
    world.sweep()
    world.crash_at = None
    world.settle()
    assert len(masters(world)) == 1


def test_the_walk_goes_night_by_night_from_the_newest(monkeypatch):
    world = waiting(monkeypatch)
    nights = minimums._nights()
    looked: list[int] = []
    monkeypatch.setattr(minimums, "_nights", lambda: nights | {20200101, 20200102, 20200103})
    monkeypatch.setattr(minimums, "_due", lambda night, item, untold: looked.append(night) or iter(()))
    lower(minimum_biases=4)
    for _ in range(4):
        minimums.tell(nights=2)
    assert looked == sorted(nights | {20200101, 20200102, 20200103}, reverse=True)
    assert world.rows("counters")


def test_a_minimum_lowered_during_the_walk_begins_it_anew(monkeypatch):
    waiting(monkeypatch)
    looked: list[int] = []

    def due(night, item, untold):
        if not looked:
            lower(minimum_biases=3)
        looked.append(night)
        return iter(())

    monkeypatch.setattr(minimums, "_due", due)
    lower(minimum_biases=4)
    minimums.tell()
    first = len(looked)
    minimums.tell()
    assert len(looked) == 2 * first


def test_the_smallest_is_right_whoever_raises_his_again(monkeypatch):
    World(monkeypatch, minimum=10)
    for number, soar_id in ((2, "SOAR2026B-002"), (3, "SOAR2026B-003")):
        items.write([items.operation("Put", "proposals", item={"id": number, "soar_id": soar_id})])
    lower(1, minimum_biases=5)
    lower(2, minimum_biases=4)
    lower(3, minimum_biases=4, minimum_flats=6)
    assert (minimums.smallest("bias"), minimums.smallest("flat")) == (4, 6)
    lower(2, minimum_biases=12)
    assert minimums.smallest("bias") == 4, "another still uses four"
    lower(3, minimum_biases=10)
    assert minimums.smallest("bias") == 5
    lower(1, minimum_biases=10)
    assert (minimums.smallest("bias"), minimums.smallest("flat")) == (10, 6)


def test_settings_changed_together_are_both_counted(monkeypatch):
    """Another proposal's change between the reading and the writing of the counts: the change is made anew."""
    World(monkeypatch, minimum=10)
    items.write([items.operation("Put", "proposals", item={"id": 2, "soar_id": "SOAR2026B-002"})])
    made = minimums.change_operation
    between = [lambda: lower(2, minimum_biases=3)]

    def slow(old, new):
        operation = made(old, new)
        if between:
            between.pop()()
        return operation

    monkeypatch.setattr(minimums, "change_operation", slow)
    monkeypatch.setattr(items, "pause", lambda attempt: None)
    lower(1, minimum_biases=5)
    assert minimums.smallest("bias") == 3
    lower(2, minimum_biases=10)
    assert minimums.smallest("bias") == 5
