"""What is asked of the pipeline through the API, and the jobs that tell what came of it."""

from __future__ import annotations

import json

import pytest

from chalicelib.store import identities, items, jobs, reprocessing, subjects
from tests.api.client import Api, problem
from tests.api.pipeline import STAR, Observatory
from tests.filing import file, record

APERTURE = {"column": 1000, "row": 480.5, "target": [-6, 6], "sky": [[-40, -15], [15, 40]]}


def test_reducing_once_more_is_a_job_that_ends_with_its_files(observatory: Observatory):
    star = observatory.file(STAR)
    before = observatory.file(STAR, "2", 1)["run_key"]
    job = observatory.asked("/reduce", {"file": star["id"]})
    assert (job["kind"], job["status"], job["finished"]) == ("reduce", "waiting", None)
    now = observatory.done(job)
    assert observatory.file(STAR, "2", 1)["run_key"] != before
    assert observatory.file(STAR, "2", 1)["id"] in now["files"]
    assert len(now["files"]) == 5
    assert now["result"]["files"][0]["url"] == f"https://spectra.example.org/api/files/{now['files'][0]}/"
    assert now["sentence"].startswith("REDUCE made 1 file: ")
    assert now["finished"] is not None


def test_a_product_stands_for_its_frame(observatory: Observatory):
    product = observatory.file(STAR, "4", 1)
    job = observatory.asked("/spectrum/extract", {"file": product["id"]})
    now = observatory.done(job)
    assert observatory.file(STAR, "3", 1)["id"] in now["files"]
    assert observatory.file(STAR, "2", 1)["id"] not in now["files"]


def test_apertures_make_a_variant_with_a_pinned_lamp_that_others_can_build_on(observatory: Observatory):
    star, arcs = observatory.file(STAR), observatory.raws("ARC")
    lamp = observatory.file(arcs[0]["file_name"], "2", 1)
    body = {"file": star["id"], "apertures": [APERTURE], "arcs": [lamp["id"]]}
    job = observatory.asked("/spectrum/extract", body, "collaborator")
    variant = job["result"]["variant"]
    now = observatory.done(job, "collaborator")
    calibrated = observatory.file(STAR, "4", 1, variant)
    assert calibrated["id"] in now["files"]
    assert [i["id"] for i in calibrated["inputs"] if i["role"] == "arc"] == [lamp["id"]]
    other = observatory.file(arcs[1]["file_name"], "2", 1)
    again = observatory.asked("/spectrum/calibrate/wavelength", {"file": calibrated["id"], "arcs": [arcs[1]["id"]]})
    observatory.done(again)
    made = observatory.file(STAR, "4", 1, again["result"]["variant"])
    assert [i["id"] for i in made["inputs"] if i["role"] == "arc"] == [other["id"]], (
        "a raw arc stands for its reduced one"
    )
    assert made["parent_file_id"] == observatory.file(STAR, "3", 1, variant)["id"]
    listed = observatory.api.json(f"/files/{star['id']}/choices")["results"]
    assert [(c["variant"], c["stage"], c["status"]) for c in listed] == [
        (variant, "extract", "done"),
        (again["result"]["variant"], "wavelength", "done"),
    ]
    assert listed[0]["chosen_by"] == "collaborator"
    assert listed == observatory.api.json(f"/files/{made['id']}/choices")["results"]


def test_an_extraction_can_build_on_a_chosen_reduction(observatory: Observatory):
    star = observatory.file(STAR)
    reduced = observatory.asked("/reduce", {"file": star["id"], "bias": 0, "settings": {"cosmic_rays": "none"}})
    observatory.done(reduced)
    product = observatory.file(STAR, "2", 1, reduced["result"]["variant"])
    job = observatory.asked("/spectrum/extract", {"file": product["id"], "settings": {"maximum_targets": 1}})
    observatory.done(job)
    assert observatory.file(STAR, "3", 1, job["result"]["variant"])["parent_file_id"] == product["id"]


def test_a_choice_is_taken_back_with_its_files(observatory: Observatory):
    star = observatory.file(STAR)
    job = observatory.asked("/reduce", {"file": star["id"], "flat": 0})
    observatory.done(job)
    variant = job["result"]["variant"]
    assert observatory.files(variant)
    response = observatory.api.delete(f"/files/{star['id']}/choices/{variant}")
    assert response.status_code == 202
    observatory.done(json.loads(response.body)["job"])
    assert observatory.files(variant) == []
    assert observatory.job(job)["status"] == "failed"
    assert observatory.api.json(f"/files/{star['id']}/choices")["results"] == []
    problem(observatory.api.delete(f"/files/{star['id']}/choices/{variant}"), 404)


def test_a_master_of_chosen_frames_is_made_used_and_taken_back_by_its_maker(observatory: Observatory):
    members = [r["id"] for r in observatory.raws("BIAS")[:3]]
    job = observatory.asked("/calibrations", {"members": members}, "collaborator")
    now = observatory.done(job, "collaborator")
    variant = now["result"]["variant"]
    master = observatory.master("BIAS", variant)
    assert now["files"] == [master["id"]]
    assert sorted(i["id"] for i in master["inputs"]) == members
    star = observatory.file(STAR)
    used = observatory.asked("/reduce", {"file": star["id"], "bias": master["id"]})
    observatory.done(used)
    reduced = observatory.file(STAR, "2", 1, used["result"]["variant"])
    assert master["id"] in [i["id"] for i in reduced["inputs"]]
    path = f"/files/{master['id']}/choices/{variant}"
    problem(observatory.api.delete(path, role="pi"), 403)
    assert observatory.api.delete(path, role="collaborator").status_code == 202
    observatory.settle()
    assert observatory.files(variant) == []


def test_the_master_of_a_pool_is_made_again(observatory: Observatory):
    before = observatory.master("LAMPFLAT")
    job = observatory.asked("/calibrations", {"file": observatory.raws("LAMPFLAT")[0]["id"]})
    observatory.done(job)
    after = observatory.master("LAMPFLAT")
    assert (after["id"], after["run_key"] == before["run_key"]) == (before["id"], False)


REFUSED = (
    ("/reduce", {"file": "BIAS"}, 422, "REDUCE is for frames of the type SPECTRUM, ARC, EXPOSE"),
    ("/reduce", {"file": "master"}, 422, "is a master"),
    ("/spectrum/extract", {"file": "ARC"}, 422, "EXTRACT is for frames of the type SPECTRUM"),
    ("/reduce", {"file": "star", "bias": "star"}, 422, "is no master bias"),
    ("/reduce", {"file": "star", "flat": "master"}, 422, "is no master flat"),
    ("/reduce", {"file": "star", "bias": 7}, 404, "There is no file 7"),
    ("/reduce", {"file": "star", "settings": {"flat_order": 999}}, 422, "flat_order must lie between"),
    ("/spectrum/calibrate/wavelength", {"file": "star", "arcs": ["star"]}, 422, "is no arc"),
    ("/spectrum/extract", {"file": "star", "apertures": [{"row": 1}]}, 422, "The body cannot be used"),
    ("/spectrum/extract", {"file": "star", "unknown": 1}, 422, "The body cannot be used"),
    ("/calibrations", {}, 422, "either members or file"),
    ("/calibrations", {"members": ["BIAS"]}, 422, "3 to 60"),
    ("/calibrations", {"members": ["BIAS", "star", "ARC"]}, 409, "is no raw bias or flat"),
    ("/calibrations", {"file": "star"}, 409, "is no raw bias or flat"),
    ("/spectrum/calibrate/flux", {"file": "star"}, 501, "not built yet"),
    ("/image/astrometry", {"file": "star"}, 501, "not built yet"),
)


def test_what_cannot_be_asked_is_refused_with_a_sentence(observatory: Observatory):
    known = {
        "star": observatory.file(STAR)["id"],
        "BIAS": observatory.raws("BIAS")[0]["id"],
        "ARC": observatory.raws("ARC")[0]["id"],
        "master": observatory.master("BIAS")["id"],
    }

    def named(value):
        return [named(one) for one in value] if isinstance(value, list) else known.get(str(value), value)

    for path, body, status, why in REFUSED:
        refused = problem(observatory.api.post(path, {name: named(value) for name, value in body.items()}), status)
        assert why in refused["detail"], path
    assert not observatory.world.messages
    observatory.world.check()


def test_others_frames_are_not_there_and_masters_are_not_theirs(observatory: Observatory):
    star, master = observatory.file(STAR), observatory.master("BIAS")
    for path in ("/reduce", "/spectrum/extract", "/spectrum/calibrate/wavelength", "/spectrum/calibrate/flux"):
        problem(observatory.api.post(path, {"file": star["id"]}, "stranger"), 404)
    problem(
        observatory.api.post("/calibrations", {"members": [r["id"] for r in observatory.raws("BIAS")]}, "stranger"), 404
    )
    problem(observatory.api.get(f"/files/{star['id']}/choices", "stranger"), 404)
    job = observatory.asked("/calibrations", {"file": master["id"]}, "stranger")
    observatory.done(job, "stranger")


def test_a_job_is_its_owners_and_staffs_and_only_while_they_see_its_files(observatory: Observatory):
    job = observatory.asked("/reduce", {"file": observatory.file(STAR)["id"]})
    hidden = problem(observatory.api.get(f"/jobs/{job['id']}", "collaborator"), 404)
    absent = problem(observatory.api.get("/jobs/none"), 404)
    assert hidden["detail"].replace(job["id"], "") == absent["detail"].replace("none", "")
    assert observatory.job(job, "staff") == observatory.job(job)
    theirs = observatory.asked("/reduce", {"file": observatory.file(STAR)["id"]}, "staff")
    problem(observatory.api.get(f"/jobs/{theirs['id']}", "pi"), 404)
    stranger = jobs.create("reduce", _user("stranger"), subject="frame#1", scope="SOAR2026B-014")
    problem(observatory.api.get(f"/jobs/{stranger['id']}", "stranger"), 404)


def test_a_job_goes_after_its_time(observatory: Observatory):
    job = observatory.asked("/reduce", {"file": observatory.file(STAR)["id"]})
    observatory.world.now += jobs.KEPT_SECONDS + 1
    problem(observatory.api.get(f"/jobs/{job['id']}"), 404)


def test_a_job_tells_what_the_subject_tells_whatever_message_is_lost(observatory: Observatory):
    star = observatory.file(STAR)
    job = observatory.asked("/reduce", {"file": star["id"]})
    lease = subjects.take(subjects.frame_subject(star["id"]), 100)
    assert observatory.job(job)["status"] == "running"
    subjects.abandon(lease)
    observatory.world.queues.messages.clear()
    assert observatory.job(job)["status"] == "waiting"
    observatory.settle()
    assert observatory.job(job)["status"] == "done"


def test_a_job_that_cannot_go_on_says_what_it_waits_for_or_why_it_failed(observatory: Observatory):
    empty = observatory.file("0008_empty.fits")
    job = observatory.asked("/spectrum/extract", {"file": empty["id"]})
    observatory.settle()
    now = observatory.job(job)
    assert (now["status"], now["sentence"]) == ("failed", "EXTRACT: No spectrum stands out of the sky.")
    for arc in observatory.raws("ARC"):
        observatory.asked(f"/files/{arc['id']}/mark-bad", {"reason": "The lamp was cold."})
    job = observatory.asked("/spectrum/calibrate/wavelength", {"file": observatory.file(STAR)["id"]})
    observatory.settle()
    now = observatory.job(job)
    assert now["status"] == "waiting"
    assert "waits for an arc" in now["sentence"]


def test_a_request_sent_twice_with_its_key_is_done_once(observatory: Observatory):
    star = observatory.file(STAR)
    headers = {"Idempotency-Key": "once"}
    first = observatory.asked("/reduce", {"file": star["id"]}, **headers)
    assert observatory.asked("/reduce", {"file": star["id"]}, **headers) == first
    item = subjects.read(subjects.frame_subject(star["id"]))
    assert item["retry:reduce"] == 1
    problem(observatory.api.post("/reduce", {"file": star["id"], "bias": 0}, **headers), 422)


def test_reprocessing_counts_its_frames_and_ends(observatory: Observatory):
    body = {"proposal": "SOAR2026B-014", "dry_run": True}
    response = observatory.api.post("/reprocess", body)
    assert json.loads(response.body)["frames"] == 5
    assert not observatory.world.messages
    _new_settings()
    job = observatory.asked("/reprocess", body | {"dry_run": False})
    assert job["result"]["progress"] == {"done": 0, "failed": 0, "of": 5}
    observatory.world.step()
    observatory.world.drain()
    observatory.settle()
    now = observatory.job(job)
    assert now["status"] == "done"
    assert now["result"]["progress"] == {"done": 4, "failed": 1, "of": 5}
    assert observatory.file(STAR, "3", 1)["settings_revision"] == 2
    assert jobs.get(job["id"])["finished"], "asking again costs one read"
    assert observatory.job(job) == now


def test_only_pi_and_staff_reprocess_and_only_what_they_see(api: Api):
    kinds = ("SPECTRUM", "ARC", "BIAS", "EXPOSE")
    file(
        *(record(number=n, obstype=kind) for n, kind in enumerate(kinds, 1)),
        record(number=9, obstype="ARC", data_type="2"),
    )
    file(record(20261123, 1, obstype="SPECTRUM"), record(number=8, obstype="ARC", proposal_id="SOAR2026B-021"))
    file(record(number=7, obstype="SPECTRUM", status="rejected"))
    body = {"proposal": "soar2026b-014", "dry_run": True}
    for role in ("pi", "staff"):
        found = json.loads(api.post("/reprocess", body, role).body)
        assert (found["frames"], found["nights"]) == (4, 2)
    problem(api.post("/reprocess", body, "collaborator"), 403)
    hidden = problem(api.post("/reprocess", body, "stranger"), 404)
    absent = problem(api.post("/reprocess", body | {"proposal": "SOAR2026B-999"}, "stranger"), 404)
    assert hidden["detail"].replace("soar2026b-014", "") == absent["detail"].replace("SOAR2026B-999", "")
    nights = {"first_night": 20261122, "last_night": 20261123}
    assert json.loads(api.post("/reprocess", body | nights).body)["frames"] == 1


def test_more_frames_than_a_job_takes_are_refused_before_they_are_read(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reprocessing, "MOST_FRAMES", 1)
    file(record(number=1, obstype="ARC"), record(number=2, obstype="ARC"))
    refused = problem(api.post("/reprocess", {"proposal": "SOAR2026B-014"}), 422)
    assert "These are 2 frames; at most 1" in refused["detail"]


def _new_settings() -> None:
    proposal = items.get("proposals", {"id": 1})
    settings = {**proposal["settings"], "target_model": "gaussian"}
    items.write([items.operation("Put", "proposals", item=proposal | {"settings": settings, "settings_revision": 2})])


def _user(name: str) -> int:
    return identities.known(f"user#{name}")
