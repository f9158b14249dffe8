"""Masters of chosen frames: beside the pool's own, never searched, theirs who choose them."""

from __future__ import annotations

import pytest

from chalicelib.domain.choices import BadChoice
from chalicelib.store import actions, masters
from chalicelib.store.actions import NotThere, Refused
from tests.protocol.frames import frame_bytes, frames
from tests.protocol.world import World, is_visible

STAR = "0007_star.fits"


@pytest.fixture
def world(monkeypatch) -> World:
    world = World(monkeypatch)
    for key, data in frames().items():
        world.upload(key, data)
    world.settle()
    return world


def raws(world: World, obstype: str) -> list[dict]:
    found = [r for r in world.rows("files") if r["obstype"] == obstype and r["data_type"] == "0"]
    return sorted(found, key=lambda record: record["id"])


def made(world: World, variant: str) -> list[dict]:
    return [r for r in world.rows("files") if r["variant"] == variant and is_visible(r)]


def settled(world: World) -> None:
    world.settle()
    assert not world.errors
    world.check()


def test_a_master_of_chosen_frames_stands_beside_the_pools_own_and_nobody_uses_it(world):
    before = world.snapshot()
    members = [r["id"] for r in raws(world, "BIAS")[:3]]
    pool, variant = masters.combine(members, "ann")
    assert masters.combine(members[::-1], "ann") == (pool, variant)
    settled(world)
    (master,) = made(world, variant)
    assert [i["id"] for i in master["inputs"] if i["role"] == "member"] == members
    after = world.snapshot()
    assert {name: after[name] for name in before} == before
    assert master["id"] not in {row["id"] for row in world.rows("configurations")}
    masters.withdraw(pool, variant, "ann")
    settled(world)
    assert world.snapshot() == before


def test_it_is_made_where_there_are_too_few_for_the_pools_own(monkeypatch):
    world = World(monkeypatch, minimum=10)
    for key, data in frames().items():
        world.upload(key, data)
    world.settle()
    assert not [r for r in world.rows("files") if r["data_type"] == "1"]
    _, variant = masters.combine([r["id"] for r in raws(world, "LAMPFLAT")], "ann")
    settled(world)
    assert len(made(world, variant)) == 1


def test_who_chose_it_is_told_when_it_is_deleted_bad_or_withdrawn(world):
    pool, variant = masters.combine([r["id"] for r in raws(world, "BIAS")[:3]], "ann")
    settled(world)
    (master,) = made(world, variant)
    (star,) = (r for r in raws(world, "SPECTRUM") if r["file_name"] == STAR)
    mine = actions.choose(star["id"], {"stage": "reduce", "bias": master["id"]}, "bob")
    settled(world)
    whole = world.snapshot()
    assert len(made(world, mine)) == 5
    auto = next(r for r in world.rows("files") if r["data_type"] == "1" and r["variant"] == "auto")
    for take, give in (
        (lambda: actions.delete(master["id"], "ann"), lambda: actions.restore(master["id"], "ann")),
        (lambda: actions.mark_bad(master["id"], "ann", "Light."), lambda: actions.unmark_bad(master["id"], "ann")),
        (lambda: masters.withdraw(pool, variant, "ann"), lambda: masters.combine(_members(master), "ann")),
    ):
        take()
        settled(world)
        assert made(world, mine) == []
        assert "chosen master bias serves no more" in _record(world, star)["status_reason"]
        assert not _record(world, auto).get("bad"), "the pool's own is as good as before"
        assert any(i["id"] == auto["id"] for r in world.rows("files") if r["variant"] == "auto" for i in r["inputs"])
        give()
        settled(world)
        assert world.snapshot() == whole


def test_a_master_of_a_far_night_tells_who_chose_it(world):
    far = 20270115
    for number in range(3):
        cards = {"DATE-OBS": f"2027-01-16T03:0{number}:00.000", "GRATING": "930_SYZY", "SLIT": "NO_MASK"}
        world.upload(f"raw/{far}/{number:04d}_far.fits", frame_bytes("BIAS", 100 + number, **cards))
    settled(world)
    (master,) = (r for r in world.rows("files") if r["data_type"] == "1" and r["night"] == far)
    (star,) = (r for r in raws(world, "SPECTRUM") if r["file_name"] == STAR)
    variant = actions.choose(star["id"], {"stage": "reduce", "bias": master["id"]}, "bob")
    settled(world)
    assert made(world, variant)
    actions.mark_bad(master["id"], "ann", "Light.")
    settled(world)
    assert made(world, variant) == []


def test_a_member_that_is_marked_bad_takes_the_master_with_it(world):
    _, variant = masters.combine([r["id"] for r in raws(world, "BIAS")[:3]], "ann")
    settled(world)
    before = world.snapshot()
    actions.mark_bad(raws(world, "BIAS")[0]["id"], "ann", "Light.")
    settled(world)
    assert made(world, variant) == []
    actions.unmark_bad(raws(world, "BIAS")[0]["id"], "ann")
    settled(world)
    assert world.snapshot() == before


def test_a_deleted_master_is_made_again_when_somebody_asks(world):
    (auto,) = (r for r in world.rows("files") if r["data_type"] == "1" and r["obstype"] == "BIAS")
    before = world.snapshot()
    actions.delete(auto["id"], "ann")
    settled(world)
    masters.combine_again(auto["subject"], "ann")
    settled(world)
    after = world.snapshot()
    assert after.keys() == before.keys()
    assert not _record(world, auto).get("deleted")


def test_frames_that_do_not_belong_together_are_refused(world):
    biases, flats = raws(world, "BIAS"), raws(world, "LAMPFLAT")
    three = [r["id"] for r in biases[:3]]
    with pytest.raises(Refused, match="not of one night"):
        masters.combine([*three, flats[0]["id"]], "ann")
    with pytest.raises(Refused, match="is no raw bias or flat"):
        masters.combine([*three, raws(world, "SPECTRUM")[0]["id"]], "ann")
    with pytest.raises(NotThere):
        masters.combine([*three, 7], "ann")
    with pytest.raises(BadChoice, match="3 to 60"):
        masters.combine(three[:2], "ann")
    actions.mark_bad(three[0], "ann", "Light.")
    with pytest.raises(Refused, match="is marked bad"):
        masters.combine(three, "ann")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_every_write_loses_nothing(after):
    with pytest.MonkeyPatch.context() as patches:
        base = World(patches)
        for key, data in frames().items():
            if "bias" in key or "star" in key:
                base.upload(key, data)
        base.settle()
        clean = base.fork(patches)
        _play(clean)
        writes, expected = clean.writes, clean.snapshot()
    for index in range(writes):
        with pytest.MonkeyPatch.context() as patches:
            world = base.fork(patches)
            world.crash_at, world.crash_after = index, after
            _play(world)
            assert not world.errors
            assert world.snapshot() == expected, f"after a crash at write {index}"


def _play(world: World) -> None:
    """A master is made of chosen frames, chosen, and marked bad; a request whose process died is sent again."""
    members = [r["id"] for r in raws(world, "BIAS")[:3]]
    star = raws(world, "SPECTRUM")[0]["id"]
    _, variant = _sent(world, lambda: masters.combine(members, "ann"))
    _rested(world)
    (master,) = made(world, variant)
    _sent(world, lambda: actions.choose(star, {"stage": "reduce", "bias": master["id"]}, "bob"))
    _rested(world)
    _sent(world, lambda: actions.mark_bad(master["id"], "ann", "Light."))
    _rested(world)
    world.settle()
    world.check()


def _rested(world: World) -> None:
    """Until nothing is left, the crash still to come."""
    world.drain()
    world.sweep()
    world.drain()


def _sent(world: World, request):
    try:
        return request()
    except BaseException as crash:
        if type(crash).__name__ != "Crash":
            raise
        world._buried()
        return request()


def _members(master: dict) -> list[int]:
    return [i["id"] for i in master["inputs"] if i["role"] == "member"]


def _record(world: World, record: dict) -> dict:
    return next(r for r in world.rows("files") if r["id"] == record["id"])
