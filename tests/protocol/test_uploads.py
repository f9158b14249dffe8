"""An upload is taken in once, whoever stumbles over it and wherever INGEST fails."""

from __future__ import annotations

from chalicelib.blocks import sweep
from chalicelib.domain import topology
from chalicelib.store import configurations, queues, subjects
from tests.protocol.frames import NIGHT, frame_bytes
from tests.protocol.world import World

OLD = 20250101
"""A night the sweeper does not compare with the bucket any more."""


def published(world: World) -> list[tuple[str, str]]:
    return [(r["file_name"], r["status"]) for r in world.rows("files") if not r.get("retired")]


def test_an_upload_ingest_died_on_is_handed_back_by_whoever_holds_its_subject(monkeypatch):
    world = World(monkeypatch)
    world.upload(f"raw/{OLD}/0001_star.fits", frame_bytes("SPECTRUM", 1))
    (message,) = world.messages
    take = subjects.take

    def dying(*args, **more):
        take(*args, **more)
        raise RuntimeError("the function died")

    monkeypatch.setattr(subjects, "take", dying)
    world.deliver(message)
    monkeypatch.setattr(subjects, "take", take)
    subject = world.rows("subjects")[0]["subject"]
    world.now += topology.INGEST.lease + 1
    sweep.sweep()
    holder = subjects.take(subject, 100)  # REDUCE looks at it when INGEST's message comes back
    assert holder is not None
    world.now += 20
    world.deliver(next(m for m in world.messages if m.block == "ingest"))
    subjects.abandon(holder)
    world.settle()
    assert ("0001_star.fits", "waiting") in published(world)


def test_an_upload_that_was_taken_in_has_no_second_record_when_its_message_dies(monkeypatch):
    world = World(monkeypatch)
    send, broken = queues.send, [True]

    def failing(block, subject, **more):
        if block == "combine" and broken[0]:
            raise RuntimeError("SQS is away")
        return send(block, subject, **more)

    monkeypatch.setattr(queues, "send", failing)
    world.upload(f"raw/{NIGHT}/0001_bias.fits", frame_bytes("BIAS", 1))
    world.drain()
    broken[0] = False
    world.settle()
    world.check()
    assert published(world) == [("0001_bias.fits", "done")]


def test_a_frame_that_comes_again_under_its_name_while_it_is_held_is_the_newest(monkeypatch):
    world = World(monkeypatch)
    key = f"raw/{NIGHT}/0001_star.fits"
    first, other = frame_bytes("SPECTRUM", 1), frame_bytes("SPECTRUM", 2)
    for data in (first, other):
        world.upload(key, data)
        world.settle()
    records = {r["id"]: r for r in world.rows("files") if r["data_type"] == "0"}
    newest = configurations.newest_of_name(key)
    (again,) = set(records) - {newest}
    assert "Superseded" in records[again]["status_reason"]
    holder = subjects.take(subjects.frame_subject(again), 100)
    assert holder is not None
    world.upload(key, first)
    world.drain()
    world.now += 101  # whoever held it died
    world.settle()
    world.check()
    reasons = {r["id"]: r["status_reason"] for r in world.rows("files")}
    assert configurations.newest_of_name(key) == again
    assert "Superseded" in reasons[newest] and "Superseded" not in reasons[again]
