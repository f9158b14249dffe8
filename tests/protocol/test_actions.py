"""What people decide about files, played through the blocks: each fact has its effect, and taking it back undoes it."""

from __future__ import annotations

import pytest

from chalicelib.blocks import wavelength
from chalicelib.domain.choices import BadChoice
from chalicelib.store import actions, items, objects, purge, subjects
from chalicelib.store.actions import NotThere, Refused
from tests.protocol.frames import NIGHT, frame_bytes, frames
from tests.protocol.world import World

STAR = "0007_star.fits"


@pytest.fixture
def world(monkeypatch) -> World:
    world = World(monkeypatch)
    for key, data in frames().items():
        world.upload(key, data)
    world.settle()
    return world


def visible(world: World) -> dict[tuple[str, str, int | None, str], dict]:
    """Visible records by raw name, data type, target and variant."""
    return {
        (r["original_file"], r["data_type"], r["target"], r["variant"]): r
        for r in world.rows("files")
        if not r.get("retired") and not r.get("deleted")
    }


def of(world: World, name: str, data_type: str = "0", target: int | None = None, variant: str = "auto") -> dict:
    return visible(world)[name, data_type, target, variant]


def settled(world: World) -> None:
    world.settle()
    world.check()


def test_a_deleted_spectrum_is_gone_and_what_is_below_it_stays_marked(world):
    before = world.snapshot()
    spectrum = of(world, STAR, "3", 1)
    actions.delete(spectrum["id"], "ann")
    assert (STAR, "3", 1, "auto") not in visible(world)
    settled(world)
    calibrated = of(world, STAR, "4", 1)
    assert calibrated["ancestor_deleted"] is True
    assert not of(world, STAR, "4", 2).get("ancestor_deleted")
    actions.restore(spectrum["id"], "ann")
    settled(world)
    assert of(world, STAR, "4", 1).get("ancestor_deleted", False) is False
    assert world.snapshot() == before


def test_nothing_is_made_below_a_chain_that_was_deleted_whole(world):
    raw = of(world, STAR)
    for target in (1, 2):
        actions.delete(of(world, STAR, "3", target)["id"], "ann")
    settled(world)
    calibrated = of(world, STAR, "4", 1)["run_key"]
    for number in range(20, 23):  # more biases: a better master for everybody else
        world.upload(
            f"raw/{NIGHT}/00{number}_bias.fits", frame_bytes("BIAS", number, GRATING="930_SYZY", SLIT="NO_MASK")
        )
    settled(world)
    assert of(world, STAR, "4", 1)["run_key"] == calibrated
    assert "EXTRACT was deleted" in of(world, STAR)["status_reason"]
    actions.run_again(raw["id"], "extract", "ann")
    settled(world)
    assert of(world, STAR, "3", 1) and of(world, STAR, "4", 1)["run_key"] != calibrated


def test_a_raw_file_is_never_deleted(world):
    with pytest.raises(Refused, match="raw files are never deleted"):
        actions.delete(of(world, STAR)["id"], "ann")
    with pytest.raises(NotThere):
        actions.delete(1, "ann")


def test_a_deleted_product_is_purged_a_day_later_and_not_before(world, monkeypatch):
    erased: list[str] = []
    monkeypatch.setattr(objects, "erase", lambda prefix: erased.append(prefix) or 1)
    record = of(world, STAR, "4", 1)
    actions.delete(record["id"], "ann")
    settled(world)
    world.now += 80_000
    assert sum(purge.purge_due(world.now) for _ in range(20)) == 0
    world.now += 10_000
    assert sum(purge.purge_due(world.now) for _ in range(20)) == 1  # its index lags behind: it runs each hour
    assert f"calibrated/{NIGHT}/{record['id']}/" in erased
    assert all(not prefix.startswith("raw/") for prefix in erased)
    with pytest.raises(Refused, match="was purged"):
        actions.restore(record["id"], "ann")
    settled(world)
    assert (STAR, "4", 1, "auto") not in visible(world)
    actions.run_again(of(world, STAR)["id"], "wavelength", "ann")
    settled(world)
    assert not of(world, STAR, "4", 1).get("purged")


def test_an_arc_marked_bad_serves_nobody_until_the_mark_is_gone(world):
    before = world.snapshot()
    arcs = [r for (name, kind, *_), r in visible(world).items() if kind == "0" and r["obstype"] == "ARC"]
    for arc in arcs:
        actions.mark_bad(arc["id"], "ann", "The lamp was still warming up.")
    settled(world)
    assert (STAR, "4", 1, "auto") not in visible(world)
    assert of(world, STAR)["status"] == "waiting"
    assert "still warming up" in of(world, arcs[0]["file_name"])["status_reason"]
    for arc in arcs:
        actions.unmark_bad(arc["id"], "ann")
    settled(world)
    assert world.snapshot() == before


def test_a_bad_bias_leaves_the_pool_and_too_few_leave_no_master(world):
    before = world.snapshot()
    biases = [r for (name, kind, *_), r in visible(world).items() if kind == "0" and r["obstype"] == "BIAS"]
    master = next(r for r in visible(world).values() if r["file_name"].startswith("bias"))
    for raw in biases[: len(biases) - 2]:
        actions.mark_bad(raw["id"], "ann", "Light leak.")
    settled(world)
    assert not any(r["file_name"].startswith("bias") for r in visible(world).values())
    assert of(world, STAR)["status"] == "provisional"
    for raw in biases:
        actions.unmark_bad(raw["id"], "ann")
    settled(world)
    assert of(world, master["file_name"], "1", None)["id"] == master["id"]
    assert world.snapshot() == before


def test_a_master_marked_bad_or_deleted_is_not_used(world):
    before = world.snapshot()
    master = next(r for r in visible(world).values() if r["file_name"].startswith("bias"))
    for take, give in (
        (lambda: actions.mark_bad(master["id"], "ann", "Light leak."), lambda: actions.unmark_bad(master["id"], "ann")),
        (lambda: actions.delete(master["id"], "ann"), lambda: actions.restore(master["id"], "ann")),
    ):
        take()
        settled(world)
        reduced = of(world, STAR, "2", 1)
        assert master["id"] not in [i["id"] for i in reduced["inputs"]]
        assert of(world, STAR)["status"] == "provisional"
        give()
        settled(world)
        assert world.snapshot() == before


def test_a_spectrum_calibrated_with_an_arc_that_was_deleted_stays_and_says_so(world):
    reduced = [r for (name, kind, *_), r in visible(world).items() if kind == "2" and r["obstype"] == "ARC"]
    calibrated = of(world, STAR, "4", 1)
    for arc in reduced:
        actions.delete(arc["id"], "ann")
    settled(world)
    assert of(world, STAR, "4", 1)["sha256"] == calibrated["sha256"]
    assert "was deleted" in of(world, STAR)["status_reason"]


def test_only_calibrations_are_marked_bad(world):
    with pytest.raises(Refused, match="is no calibration"):
        actions.mark_bad(of(world, STAR)["id"], "ann", "clouds")


def test_a_choice_makes_a_variant_beside_the_automatic_chain(world):
    before = world.snapshot()
    raw = of(world, STAR)
    aperture = {"column": 1000, "row": 480.5, "target": [-6, 6], "sky": [[-40, -15], [15, 40]]}
    variant = actions.choose(raw["id"], {"stage": "extract", "apertures": [aperture]}, "ann")
    assert actions.choose(raw["id"], {"stage": "extract", "apertures": [aperture]}, "ann") == variant
    settled(world)
    assert of(world, STAR, "3", 1, variant)["id"] != of(world, STAR, "3", 1)["id"]
    assert of(world, STAR, "4", 1, variant)["variant"] == variant
    after = world.snapshot()
    assert all(after[name] == record for name, record in before.items())
    actions.withdraw(raw["id"], variant, "ann")
    settled(world)
    assert world.snapshot() == before


def test_a_chosen_lamp_is_pinned(world):
    raw = of(world, STAR)
    arcs = [r for (name, kind, *_), r in visible(world).items() if kind == "2" and r["obstype"] == "ARC"]
    variant = actions.choose(raw["id"], {"stage": "wavelength", "arcs": [arcs[0]["id"]]}, "ann")
    settled(world)
    used = {i["id"] for i in of(world, STAR, "4", 1, variant)["inputs"] if i["role"] == "arc"}
    assert used == {arcs[0]["id"]}
    actions.mark_bad(arcs[0]["original_file_id"], "bob", "wrong lamp")
    settled(world)
    assert (STAR, "4", 1, variant) not in visible(world)
    assert "chosen lamp serves no more" in of(world, STAR)["status_reason"]


def test_choices_are_checked(world):
    raw = of(world, STAR)
    for wrong in (
        {"stage": "flux"},
        {"stage": "extract", "arcs": [1, 2, 3]},
        {"stage": "extract", "apertures": [{"row": 1}]},
        {"stage": "wavelength"},
        {"stage": "wavelength", "apertures": []},
        {"stage": "reduce", "settings": {"flat_order": 1000}},
        {"stage": "extract", "apertures": [{"column": 1, "row": float("nan"), "target": [0, 1], "sky": [[2, 3]]}]},
        {"stage": "extract", "apertures": [{"column": 1, "row": 1, "target": [1, 0], "sky": [[2, 3]]}]},
    ):
        with pytest.raises(BadChoice):
            actions.choose(raw["id"], wrong, "ann")
    with pytest.raises(Refused):
        actions.choose(of(world, "0009_focus.fits")["id"], {"stage": "extract"}, "ann")


def test_choices_are_bounded_and_the_same_one_is_no_more(world, monkeypatch):
    monkeypatch.setattr(actions, "MOST_CHOICES", 1)
    raw = of(world, STAR)
    first = {"stage": "extract", "settings": {"maximum_targets": 1}}
    variant = actions.choose(raw["id"], first, "ann")
    assert actions.choose(raw["id"], first, "bob") == variant
    with pytest.raises(Refused, match="take back one"):
        actions.choose(raw["id"], {"stage": "reduce", "bias": 0}, "ann")
    actions.withdraw(raw["id"], variant, "ann")
    assert actions.choose(raw["id"], {"stage": "reduce", "bias": 0}, "ann") != variant


def test_a_failure_is_retried_when_somebody_asks_and_counts_its_attempts(world, monkeypatch):
    made = wavelength.make_calibrated

    def stumbling(step, facts):
        raise ValueError("numerics")

    monkeypatch.setattr(wavelength, "make_calibrated", stumbling)
    raw = of(world, STAR)
    subject = subjects.frame_subject(raw["id"])
    actions.run_again(raw["id"], "wavelength", "ann")
    settled(world)
    failure = of(world, STAR)["failure"]
    assert failure == {"block": "wavelength", "code": "unexpected", "retryable": True, "attempts": 1}
    assert actions.retry(subject, "ann") is True
    settled(world)
    assert of(world, STAR)["failure"]["attempts"] == 2
    monkeypatch.setattr(wavelength, "make_calibrated", made)
    actions.retry(subject, "ann")
    settled(world)
    assert of(world, STAR)["status"] == "done" and of(world, STAR)["failure"] is None
    assert actions.retry(subject, "ann") is False


def test_reprocessing_takes_the_settings_of_today(world):
    raw = of(world, STAR)
    before = of(world, STAR, "3", 1)
    proposal = items.get("proposals", {"id": 1})
    settings = {**proposal["settings"], "target_model": "gaussian"}
    changed = {**proposal, "settings": settings, "settings_revision": 2}
    items.write([items.operation("Put", "proposals", item=changed)])
    settled(world)
    assert of(world, STAR, "3", 1)["run_key"] == before["run_key"]
    actions.reprocess(subjects.frame_subject(raw["id"]), "ann")
    settled(world)
    after = of(world, STAR, "3", 1)
    assert after["run_key"] != before["run_key"]
    assert (before["settings_revision"], after["settings_revision"]) == (1, 2)
    assert after["id"] == before["id"]


def test_a_later_upload_of_the_same_name_supersedes_and_the_first_can_come_back(world):
    key = f"raw/{NIGHT}/{STAR}"
    before = world.snapshot()
    first = of(world, STAR)
    other = frame_bytes("SPECTRUM", 7, OBJECT="the right star")
    world.upload(key, other)
    settled(world)
    raws = [r for r in world.rows("files") if r["file_name"] == STAR]
    assert len(raws) == 2
    old = next(r for r in raws if r["id"] == first["id"])
    new = next(r for r in raws if r["id"] != first["id"])
    assert old["superseded_by"] == new["id"] and str(new["id"]) in old["status_reason"]
    assert {r["original_file_id"] for r in visible(world).values() if r["data_type"] in "234"} >= {new["id"]}
    assert first["id"] not in {r["original_file_id"] for r in visible(world).values() if r["data_type"] != "0"}
    world.upload(key, frames()[key])
    settled(world)
    now = world.snapshot()
    assert {name: now[name] for name in before} == before
    assert items.get("files", {"id": new["id"]})["superseded_by"] == first["id"]


def test_an_upload_replaced_before_anybody_looked_is_taken_in_too(monkeypatch):
    world = World(monkeypatch)
    key = f"raw/{NIGHT}/{STAR}"
    world.upload(key, frame_bytes("SPECTRUM", 7))
    world.upload(key, frame_bytes("SPECTRUM", 8))
    settled(world)
    raws = [r for r in world.rows("files") if r["data_type"] == "0"]
    assert len(raws) == 2
    assert sum(r.get("superseded_by") is not None for r in raws) == 1
