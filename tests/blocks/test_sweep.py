"""The minute's sweep tells what was left open, and does not make a long queue longer."""

from __future__ import annotations

import pytest

from chalicelib.blocks import sweep
from chalicelib.domain import topology
from chalicelib.store import clock, identities, minimums, objects, queues, subjects

FRAME = "frame#2026112100007"
NOW = 1_800_000_000.0
KEY = "raw/20270115/0001_bias.fits"


@pytest.fixture
def told(monkeypatch):
    """What is sent, with one open subject and one object INGEST never saw; ``depths`` and ``item`` can be changed."""

    class Told:
        depths = dict.fromkeys((block.name for block in topology.PIPELINE), 0)
        item = {"open": subjects.OPEN, "since": NOW - 90, "next": "extract"}
        uploaded = NOW - 90
        sent: list[str] = []

    found = Told()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(queues, "depths", lambda: found.depths)
    monkeypatch.setattr(queues, "tell", found.sent.append)
    monkeypatch.setattr(queues, "send_key", found.sent.append)
    monkeypatch.setattr(subjects, "open_subjects", lambda: iter([FRAME]))
    monkeypatch.setattr(subjects, "read_all", lambda wanted: [{"subject": FRAME, **found.item}])
    monkeypatch.setattr(minimums, "tell", lambda: 0)
    monkeypatch.setattr(objects, "list_raw", lambda night: [(KEY, "tag", found.uploaded)] if night == 20270115 else [])
    monkeypatch.setattr(identities, "unknown_objects", lambda listed: [key for key, _ in listed])
    found.sent.clear()
    return found


def test_what_was_left_open_is_told(told):
    assert sweep.sweep() == {"open": 1, "missed": 1, "lowered": 0}
    assert told.sent == [KEY, FRAME]


@pytest.mark.parametrize("block, quiet", [("extract", KEY), ("ingest", FRAME)])
def test_what_may_be_waiting_in_its_queue_is_not_told_again(told, block, quiet):
    told.depths[block] = 40
    sweep.sweep()
    assert told.sent == [quiet]


def test_another_block_s_queue_is_no_excuse(told):
    told.depths["wavelength"] = 40
    sweep.sweep()
    assert told.sent == [KEY, FRAME]


def test_what_a_person_asked_for_does_not_wait_for_the_blocks(told):
    told.depths = dict.fromkeys(told.depths, 40)
    told.item["next"] = topology.ASKED.name
    sweep.sweep()
    assert told.sent == [FRAME]


def test_nobody_waits_for_ever_behind_a_long_queue(told):
    told.depths.update(extract=40, ingest=40)
    told.item["since"] = told.uploaded = NOW - sweep.PATIENCE - 1
    sweep.sweep()
    assert told.sent == [KEY, FRAME]


def test_an_object_behind_a_long_queue_is_told_every_five_minutes_not_each(told):
    told.depths["ingest"] = 40
    minutes = []
    for minute in range(21):
        told.sent.clear()
        told.uploaded = NOW - 60 * minute - 17
        sweep.sweep()
        minutes += [minute] * (KEY in told.sent)
    assert minutes == [5, 10, 15, 20]


def test_the_sweep_ends_in_time_and_pools_come_first(told, monkeypatch):
    frames, pool = [f"frame#20261121{n:05d}" for n in range(5)], "pool#bias|red#20261121"
    monkeypatch.setattr(subjects, "open_subjects", lambda: iter([*frames, pool]))
    monkeypatch.setattr(subjects, "read_all", lambda wanted: [{"subject": one, **told.item} for one in wanted])
    clocks = iter([0.0, 1.0, 2.0, sweep.SECONDS + 1])
    monkeypatch.setattr(sweep.time, "monotonic", lambda: next(clocks))
    assert sweep.sweep() == {"open": 2, "missed": 1, "lowered": 0}
    assert told.sent == [KEY, pool, frames[0]]


@pytest.mark.parametrize("item", [{"lease_until": NOW + 1}, {"open": None}])
def test_who_is_held_or_closed_is_left_alone(told, item):
    told.item = {k: v for k, v in (told.item | item).items() if v is not None}
    sweep.sweep()
    assert told.sent == [KEY]
