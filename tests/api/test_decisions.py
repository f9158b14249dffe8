"""Deleting, marking, reclassifying, retrying through the API: who may, what follows, how it is taken back."""

from __future__ import annotations

import json

from chalicelib.store import purge
from tests.api.client import problem
from tests.api.pipeline import STAR, Observatory


def test_a_product_is_gone_at_once_and_can_be_restored(observatory: Observatory):
    spectrum = observatory.file(STAR, "3", 1)
    path = f"/files/{spectrum['id']}"
    (gone,) = json.loads(observatory.api.delete(path, role="collaborator").body)["deleted"]
    assert (gone["id"], gone["file_name"]) == (spectrum["id"], spectrum["file_name"])
    assert gone["restorable_until"].startswith("2026-11-23T")
    hidden = problem(observatory.api.get(path), 404)
    assert hidden["detail"] == f"There is no file {spectrum['id']}."
    problem(observatory.api.delete(path), 404)
    observatory.settle()
    problem(observatory.api.post(f"{path}/restore", role="stranger"), 404)
    restored = json.loads(observatory.api.post(f"{path}/restore").body)
    assert restored["id"] == spectrum["id"]
    observatory.settle()
    assert observatory.api.json(path)["sha256"] == spectrum["sha256"]
    assert observatory.api.post(f"{path}/restore").status_code == 200, "twice is once"


def test_what_was_purged_is_not_restored(observatory: Observatory, monkeypatch):
    from chalicelib.store import objects

    monkeypatch.setattr(objects, "erase", lambda prefix: 1)
    spectrum = observatory.file(STAR, "4", 1)
    observatory.api.delete(f"/files/{spectrum['id']}")
    observatory.settle()
    observatory.world.now += 90_000
    assert purge.purge_due(observatory.world.now) == 1
    assert "was purged" in problem(observatory.api.post(f"/files/{spectrum['id']}/restore"), 409)["detail"]


def test_several_are_deleted_together_or_none(observatory: Observatory):
    star = observatory.file(STAR)
    first, second = (observatory.file(STAR, "4", target)["id"] for target in (1, 2))
    refused = problem(observatory.api.delete("/files", {"ids": [first, star["id"]]}), 409)
    assert refused["detail"] == f"{STAR} is a raw file; raw files are never deleted."
    problem(observatory.api.delete(f"/files?id={first}&id=2026112199999"), 404)
    problem(observatory.api.delete("/files", {}), 422)
    problem(observatory.api.delete("/files", {"ids": [first]}, "stranger"), 404)
    assert observatory.file(STAR, "4", 1)["id"] == first
    response = observatory.api.delete(f"/files?id={first}", {"ids": [second, first]})
    assert [d["id"] for d in json.loads(response.body)["deleted"]] == [first, second]
    assert observatory.world.messages


def test_masters_are_deleted_and_marked_by_staff_only(observatory: Observatory):
    master = observatory.master("BIAS")
    assert "only staff" in problem(observatory.api.delete(f"/files/{master['id']}"), 403)["detail"]
    problem(observatory.api.post(f"/files/{master['id']}/mark-bad", {"reason": "Light."}), 403)
    observatory.done(observatory.asked(f"/files/{master['id']}/mark-bad", {"reason": "Light leak."}, "staff"), "staff")
    assert observatory.api.json(f"/files/{master['id']}")["bad"]["reason"] == "Light leak."
    assert observatory.file(STAR)["status"] == "provisional"
    observatory.done(observatory.asked(f"/files/{master['id']}/unmark", None, "staff"), "staff")
    assert observatory.file(STAR)["status"] == "done"
    assert observatory.api.delete(f"/files/{master['id']}", role="staff").status_code == 200


def test_a_bad_flat_leaves_its_pool(observatory: Observatory):
    flat = observatory.raws("LAMPFLAT")[0]
    job = observatory.asked(f"/files/{flat['id']}/mark-bad", {"reason": "Saturated."}, "collaborator")
    observatory.done(job, "collaborator")
    assert not [r for r in observatory.files("auto") if r["data_type"] == "1" and r["obstype"] == "LAMPFLAT"]
    problem(observatory.api.post(f"/files/{observatory.file(STAR)['id']}/mark-bad", {"reason": "Clouds."}), 409)
    problem(observatory.api.post(f"/files/{flat['id']}/mark-bad", {"reason": ""}), 422)


def test_a_frame_is_what_people_say(observatory: Observatory):
    star = observatory.file(STAR)
    before = observatory.world.snapshot()
    job = observatory.asked(f"/files/{star['id']}/reclassify", {"obstype": "FOCUS"})
    now = observatory.done(job)
    assert now["sentence"] == "Focus frames are kept as raw files only."
    assert observatory.api.json(f"/files/{star['id']}")["obstype"] == "FOCUS"
    assert [r for r in observatory.files("auto") if r["original_file"] == STAR] == [observatory.file(STAR)]
    observatory.done(observatory.asked(f"/files/{star['id']}/reclassify", {"obstype": "SPECTRUM"}))
    assert observatory.world.snapshot() == before
    problem(observatory.api.post(f"/files/{star['id']}/reclassify", {"obstype": "GALAXY"}), 422)
    product = observatory.file(STAR, "2", 1)
    problem(observatory.api.post(f"/files/{product['id']}/reclassify", {"obstype": "ARC"}), 409)


def test_a_failed_frame_is_tried_again(observatory: Observatory):
    empty = observatory.file("0008_empty.fits")
    attempts = empty["failure"]["attempts"]
    job = observatory.asked(f"/files/{empty['id']}/retry")
    assert observatory.job(job)["status"] == "waiting"
    observatory.settle()
    now = observatory.job(job)
    assert (now["status"], now["sentence"]) == ("failed", "No spectrum stands out of the sky.")
    assert observatory.file("0008_empty.fits")["failure"]["attempts"] == attempts + 1
    refused = problem(observatory.api.post(f"/files/{observatory.file(STAR)['id']}/retry"), 409)
    assert refused["detail"] == f"Nothing of {STAR} has failed."


def test_an_object_that_was_never_taken_in_is_tried_again(observatory: Observatory, monkeypatch):
    from chalicelib.science import rawfile
    from tests.protocol.frames import NIGHT, frame_bytes

    scan = rawfile.scan

    def broken(stream):
        raise ConnectionError("the object cannot be read")

    monkeypatch.setattr(rawfile, "scan", broken)
    observatory.world.upload(f"raw/{NIGHT}/0020_late.fits", frame_bytes("FOCUS", 20))
    observatory.world.drain()
    observatory.world.errors.clear()
    failed = observatory.file("0020_late.fits")
    assert failed["status"] == "failed"
    monkeypatch.setattr(rawfile, "scan", scan)
    job = observatory.asked(f"/files/{failed['id']}/retry", None, "staff")
    assert observatory.job(job, "staff")["status"] == "waiting"
    observatory.settle()
    assert observatory.job(job, "staff")["status"] == "done"
    assert observatory.file("0020_late.fits")["obstype"] == "FOCUS"


def test_others_files_are_not_there_to_be_decided_about(observatory: Observatory):
    star, product = observatory.file(STAR), observatory.file(STAR, "2", 1)
    asked = (
        ("mark-bad", {"reason": "Clouds."}),
        ("unmark", None),
        ("reclassify", {"obstype": "ARC"}),
        ("retry", None),
        ("restore", None),
    )
    for record in (star, product):
        for action, body in asked:
            refused = problem(observatory.api.post(f"/files/{record['id']}/{action}", body, "stranger"), 404)
            assert refused["detail"] == f"There is no file {record['id']}."
        problem(observatory.api.delete(f"/files/{record['id']}", role="stranger"), 404)
    assert not observatory.world.messages
