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
    monkeypatch.setattr(subjects, "read", lambda subject: found.item)
    monkeypatch.setattr(minimums, "tell", lambda: 0)
    monkeypatch.setattr(objects, "list_raw", lambda night: [(KEY, "tag", found.uploaded)] if night == 20270115 else [])
    monkeypatch.setattr(identities, "unknown_objects", lambda listed: [key for key, _ in listed])
    found.sent.clear()
    return found


def test_what_was_left_open_is_told(told):
    assert sweep.sweep() == {"open": 1, "missed": 1, "lowered": 0}
    assert told.sent == [FRAME, KEY]


@pytest.mark.parametrize("block, quiet", [("extract", KEY), ("ingest", FRAME)])
def test_what_may_be_waiting_in_its_queue_is_not_told_again(told, block, quiet):
    told.depths[block] = 40
    sweep.sweep()
    assert told.sent == [quiet]


def test_another_block_s_queue_is_no_excuse(told):
    told.depths["wavelength"] = 40
    sweep.sweep()
    assert told.sent == [FRAME, KEY]


def test_nobody_waits_for_ever_behind_a_long_queue(told):
    told.depths.update(extract=40, ingest=40)
    told.item["since"] = told.uploaded = NOW - sweep.PATIENCE - 1
    sweep.sweep()
    assert told.sent == [FRAME, KEY]


@pytest.mark.parametrize("item", [{"lease_until": NOW + 1}, {"open": None}])
def test_who_is_held_or_closed_is_left_alone(told, item):
    told.item = {k: v for k, v in (told.item | item).items() if v is not None}
    sweep.sweep()
    assert told.sent == [KEY]
