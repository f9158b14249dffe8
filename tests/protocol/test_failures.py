"""What goes wrong ends in a record, takes nobody with it, and is made good when its cause is gone."""

from __future__ import annotations

import pytest

from chalicelib.science.errors import NoTargetFound
from chalicelib.store import items, objects
from tests.protocol.frames import NIGHT, SMALL, frame_bytes, frames
from tests.protocol.memory import to_wire
from tests.protocol.world import World

STAR = f"raw/{NIGHT}/0007_star.fits"


def played(monkeypatch: pytest.MonkeyPatch, keys=SMALL, fault=None) -> World:
    world = World(monkeypatch)
    world.fault = fault
    for key in keys:
        world.upload(key, frames()[key])
    world.drain()
    return world


def record_of(world: World, name: str) -> dict:
    return next(r for r in world.rows("files") if r["file_name"] == name and not r.get("retired"))


def visible(world: World) -> set[str]:
    return {r["file_name"] for r in world.rows("files") if not r.get("retired")}


def failing(stage: str, error: Exception):
    def fault(step, facts):
        if step.stage == stage:
            raise error

    return fault


@pytest.mark.parametrize("error", [RuntimeError("AWS is away"), ValueError("numerics stumble")])
def test_an_unexpected_error_ends_as_failed_and_the_rest_goes_on(monkeypatch, error):
    world = played(monkeypatch, fault=failing("extract", error))
    world.check()
    star = record_of(world, "0007_star.fits")
    assert star["status"] == "failed" and "EXTRACT" in star["status_reason"]
    assert record_of(world, "0006 arc+1.fits")["status"] == "done"


def test_a_transient_error_of_a_pool_keeps_the_master_it_has(monkeypatch):
    world = played(monkeypatch)
    master, star = record_of(world, "bias_1.fits"), record_of(world, "0007_star.fits")
    world.fault = failing("bias", RuntimeError("AWS is away"))
    world.upload(f"raw/{NIGHT}/0099_bias.fits", frame_bytes("BIAS", 99))
    world.drain()
    world.check()
    assert record_of(world, "bias_1.fits")["id"] == master["id"]
    assert record_of(world, "0007_star.fits")["status"] == star["status"] == "provisional"  # it has no flat


def test_products_come_back_with_the_inputs_they_were_made_from(monkeypatch):
    """A better bias makes the extraction fail; when it goes again, the frame's spectra are visible again."""
    from chalicelib.domain import matching
    from chalicelib.domain.records import observation_of
    from chalicelib.store import configurations, queues, subjects

    world = played(monkeypatch)
    world.check()
    before = world.snapshot()
    world.fault = lambda step, facts: (
        (_ for _ in ()).throw(NoTargetFound("No light."))
        if (step.stage == "extract" and len(facts.biases) and facts.biases[0].members > 3)
        else None
    )
    world.upload(f"raw/{NIGHT}/0098_bias.fits", frame_bytes("BIAS", 98))
    world.drain()
    assert record_of(world, "0007_star.fits")["status"] == "failed"
    assert not {"extract_1.fits", "wavelength_1.fits"} & visible(world)
    star = record_of(world, "0007_star.fits")
    o = observation_of(star["observation"])
    pool = f"pool#{matching.bias_key(o)}#{NIGHT}"
    extra = record_of(world, "0098_bias.fits")
    items.write([configurations.delete_operation(pool, NIGHT, extra["id"])])
    subjects.nudge(pool)
    queues.send("combine", pool)
    world.drain()
    after = {name: r for name, r in world.snapshot().items() if r["file_name"] != "0098_bias.fits"}
    assert after == before


def test_an_object_that_cannot_be_taken_in_has_a_record_until_it_can(monkeypatch):
    world = World(monkeypatch)
    opened = objects.open_raw
    broken = [True]

    def open_raw(key, version=None):
        found = opened(key, version)
        if broken[0] and found is not None:

            class Stream:
                def read(self, *_):
                    raise RuntimeError("the connection is gone")

                def close(self):
                    pass

            return objects.Opened(Stream(), found.size, found.modified, found.etag)
        return found

    monkeypatch.setattr(objects, "open_raw", open_raw)
    world.upload(STAR, frames()[STAR])
    world.drain()
    world.check()
    assert record_of(world, "0007_star.fits")["status"] == "failed"
    broken[0] = False
    world.upload(STAR, frames()[STAR])
    world.drain()
    world.check()
    (only,) = [r for r in world.rows("files") if r["file_name"] == "0007_star.fits" and not r.get("retired")]
    assert only["status"] == "waiting" and "arc" in only["status_reason"]


@pytest.mark.parametrize(
    "cards",
    [{"EXPTIME": 1e200}, {"OBSID": 1e300}, {"AIRMASS": 1e-300}, {"OBJECT": "x" * 60}, {"RDNOISE": 0.0}, {"GAIN": 1e-9}],
)
def test_odd_cards_end_in_a_record(monkeypatch, cards):
    world = World(monkeypatch, moto=False)
    world.upload(STAR, frame_bytes("SPECTRUM", 7, **cards))
    world.drain()
    world.check()
    assert record_of(world, "0007_star.fits")["status"] in ("waiting", "rejected")
    for item in world.rows("files"):
        to_wire(item)  # what DynamoDB cannot hold would be refused here
