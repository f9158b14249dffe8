"""A frame that somebody says is something else: its old chain goes, its new one is made, and back again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chalicelib.store import actions, items
from chalicelib.store.actions import NotThere, Refused
from tests.protocol.frames import NIGHT, SMALL, frames
from tests.protocol.world import World, is_visible

STAR, ARC, EMPTY = "0007_star.fits", "0006 arc+1.fits", "0008_empty.fits"


def night(monkeypatch: pytest.MonkeyPatch, keys=None) -> World:
    world = World(monkeypatch)
    for key in keys or frames():
        world.upload(key, frames()[key])
    world.settle()
    return world


@pytest.fixture
def world(monkeypatch) -> World:
    return night(monkeypatch)


def raw(world: World, name: str) -> dict:
    return next(r for r in world.rows("files") if r["file_name"] == name and r["data_type"] == "0")


def products(world: World, name: str) -> dict[str, str]:
    """Data type → type on the record, of what a frame's chain shows."""
    return {
        r["data_type"]: r["obstype"]
        for r in world.rows("files")
        if r["original_file"] == name and r["data_type"] != "0" and is_visible(r)
    }


def reclassified(world: World, name: str, obstype: str) -> None:
    actions.reclassify(raw(world, name)["id"], obstype, "ann")
    world.settle()
    assert not world.errors
    world.check()


@pytest.mark.parametrize("obstype", ["ARC", "BIAS", "LAMPFLAT", "EXPOSE", "FOCUS"])
def test_a_spectrum_becomes_anything_and_comes_back(world, obstype):
    before = world.snapshot()
    reclassified(world, STAR, obstype)
    record = raw(world, STAR)
    assert (record["obstype"], record["observation"]["obstype"]) == (obstype, obstype)
    assert record["reclassified"]["from"] == "SPECTRUM"
    expected = {"2": obstype} if obstype in ("ARC", "EXPOSE") else {}
    assert products(world, STAR) == expected
    reclassified(world, STAR, "SPECTRUM")
    assert "reclassified" not in raw(world, STAR)
    assert world.snapshot() == before


def test_what_an_arc_served_is_made_without_it_and_a_new_one_serves(world):
    before = world.snapshot()
    for name in (ARC, "0011_arc.fits"):
        reclassified(world, name, "FOCUS")
    assert "4" not in products(world, STAR)
    assert raw(world, STAR)["status"] == "waiting"
    reclassified(world, ARC, "ARC")
    assert "4" in products(world, STAR)
    reclassified(world, "0011_arc.fits", "ARC")
    assert world.snapshot() == before


def test_the_same_bytes_are_reduced_otherwise_as_another_type(world):
    """An arc is never cleaned of cosmic rays: nothing else tells the two runs apart when there is no flat."""
    for flat in ("0003_flat.fits", "0004_flat.fits", "0005_flat.fits"):
        actions.mark_bad(raw(world, flat)["id"], "ann", "Saturated.")
    world.settle()
    reduced = next(r for r in world.rows("files") if r["original_file"] == STAR and r["data_type"] == "2")
    reclassified(world, STAR, "ARC")
    again = items.get("files", {"id": reduced["id"]})
    assert [i["role"] for i in again["inputs"]] == [i["role"] for i in reduced["inputs"]]
    assert again["run_key"] != reduced["run_key"]


def test_a_bias_that_is_a_flat_changes_pools(world):
    rows = world.rows("configurations")
    bias = raw(world, "0000_bias.fits")
    (here,) = (r["configuration"] for r in rows if r["id"] == bias["id"] and r["configuration"].startswith("pool#"))
    reclassified(world, "0000_bias.fits", "LAMPFLAT")
    pools = {r["configuration"] for r in world.rows("configurations") if r["id"] == bias["id"]}
    assert here not in pools
    assert any(pool.startswith("pool#master_flat|") for pool in pools)
    master = next(r for r in world.rows("files") if r["file_name"].startswith("bias") and is_visible(r))
    assert bias["id"] not in [i["id"] for i in master["inputs"]]


def test_choices_rest_while_a_frame_is_something_else(world):
    variant = actions.choose(raw(world, STAR)["id"], {"stage": "extract", "settings": {"maximum_targets": 1}}, "ann")
    world.settle()
    before = world.snapshot()
    reclassified(world, STAR, "ARC")
    assert not [r for r in world.rows("files") if r["variant"] == variant and is_visible(r)]
    reclassified(world, STAR, "SPECTRUM")
    assert world.snapshot() == before


def test_the_same_type_twice_is_one_event(world):
    identifier = raw(world, STAR)["id"]
    actions.reclassify(identifier, "ARC", "ann")
    actions.reclassify(identifier, "ARC", "ann")
    told = [e for e in world.rows("events") if e["outcome"] == "reclassified"]
    assert [(e["actor"], e["file_id"]) for e in told] == [("ann", identifier)]


def test_what_cannot_be_is_refused_with_a_sentence(world):
    reduced = next(r for r in world.rows("files") if r["data_type"] == "2")
    for name, obstype, why in (
        (raw(world, STAR)["id"], "SKYFLAT", "it can be SPECTRUM"),
        (reduced["id"], "ARC", "is a product"),
        (raw(world, "0010_image.fits")["id"], "ARC", "without a grating"),
        (raw(world, "notes.txt")["id"], "ARC", "cannot be read"),
    ):
        with pytest.raises(Refused, match=why):
            actions.reclassify(name, obstype, "ann")
    with pytest.raises(NotThere):
        actions.reclassify(1, "ARC", "ann")


@pytest.mark.parametrize(("grating", "why"), [("NO_GRATING", "without a grating"), ("400_SYZY", "camera at 0.5°")])
def test_why_an_image_is_no_arc_is_true(grating, why):
    image = {"file_name": "x.fits", "data_type": "0", "status": "done", "technique": "Imaging"}
    image["observation"] = {"grating": grating, "camera_angle": Decimal("0.5")}
    with pytest.raises(Refused, match=why):
        actions._only_reclassifiable(image, "ARC")
    actions._only_reclassifiable(image, "FOCUS")


def test_redelivery_of_the_upload_does_not_undo_it(world):
    reclassified(world, "0000_bias.fits", "FOCUS")
    now = world.snapshot()
    world.queues.put("ingest", f'{{"key": "raw/{NIGHT}/0000_bias.fits"}}')
    world.settle()
    world.check()
    assert world.snapshot() == now


STEPS = ((ARC, "SPECTRUM"), ("0001_bias.fits", "LAMPFLAT"), (STAR, "ARC"))


def decide(world: World) -> None:
    """Say of three frames what they are; a request whose process died is sent again."""
    for name, obstype in STEPS:
        identifier = raw(world, name)["id"]
        try:
            actions.reclassify(identifier, obstype, "ann")
        except BaseException as crash:
            if type(crash).__name__ != "Crash":
                raise
            world._buried()
            actions.reclassify(identifier, obstype, "ann")
        for _ in range(3):
            world.step()
    world.drain()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_every_write_loses_nothing(after):
    with pytest.MonkeyPatch.context() as patches:
        base = night(patches, SMALL)
        clean = base.fork(patches)
        decide(clean)
        clean.settle()
        clean.check()
        writes, expected = clean.writes, clean.snapshot()
    assert writes > 60
    for index in range(writes):
        with pytest.MonkeyPatch.context() as patches:
            world = base.fork(patches)
            world.crash_at, world.crash_after = index, after
            decide(world)
            world.settle()
            world.check()
            assert not world.errors
            assert world.snapshot() == expected, f"after a crash at write {index}"
