"""Rows of the matrix: uploads, deletions, decisions, what is asked of the pipeline, jobs."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from chalicelib.domain.headers import ARC, FLAT, Observation, observe
from chalicelib.domain.plan import FAILED, StageState
from chalicelib.domain.records import observation_item
from chalicelib.store import actions, items, jobs, subjects
from tests.api.matrix import Given, Row, signed_in
from tests.domain.test_headers import NEW
from tests.filing import file, record

MEMBERS = signed_in(404, collaborator=202)


def given(there: Given) -> None:
    """A spectrum with a failed step and a choice, an arc, a flat, a product, a job of ``pi``."""
    star = observe(NEW)
    made = {
        "science": _raw(101, star),
        "arc": _raw(102, replace(star, obstype=ARC)),
        "flat": _raw(103, replace(star, obstype=FLAT)),
    }
    product = record(number=104, obstype="SPECTRUM", data_type="3", original_file_id=made["science"]["id"])
    product["subject"] = subjects.frame_subject(made["science"]["id"])
    lamp = record(number=105, obstype="ARC", data_type="2", grating=made["science"]["grating"])
    file(*made.values(), product, lamp)
    there.more |= {name: one["id"] for name, one in made.items()} | {"product": product["id"], "lamp": lamp["id"]}
    state = StageState("key", FAILED, sentence="No light.", retryable=True).to_item()
    subject = {"subject": product["subject"], "nudges": 1, "stages": {"extract": state}}
    items.write([items.operation("Put", "subjects", item=subject)])
    choice = {"stage": "extract", "settings": {"maximum_targets": 1}}
    there.more["variant"] = actions.choose(made["science"]["id"], choice, "pi")
    there.more["job"] = jobs.create("reduce", there.users["pi"], subject=product["subject"], scope="SOAR2026B-014")[
        "id"
    ]


def _raw(number: int, o: Observation) -> dict[str, Any]:
    return record(number=number, obstype=o.obstype, grating=o.grating, observation=observation_item(o))


def _about(name: str, action: str):
    return lambda g: f"/files/{g.more[name]}/{action}"


def _naming(name: str, **more: Any):
    return lambda g: {"file": g.more[name], **more}


ROWS = (
    Row(
        "POST",
        "/files",
        "/files",
        signed_in(403, staff=200),
        body={
            "file_name": "0001_x.fits",
            "night": 20261120,
            "size": 2880,
            "sha256": base64.b64encode(bytes(32)).decode(),
        },
    ),
    Row("DELETE", "/files", "/files", signed_in(404, collaborator=409), body=lambda g: {"ids": [g.file]}),
    Row(
        "DELETE",
        "/files/{identifier}",
        lambda g: f"/files/{g.more['product']}",
        signed_in(404, collaborator=200, pi=404),
    ),
    Row("POST", "/files/{identifier}/restore", _about("product", "restore"), signed_in(404, collaborator=200)),
    Row("POST", "/files/{identifier}/mark-bad", _about("flat", "mark-bad"), MEMBERS, body={"reason": "Light leak."}),
    Row("POST", "/files/{identifier}/unmark", _about("flat", "unmark"), MEMBERS),
    Row("POST", "/files/{identifier}/reclassify", _about("arc", "reclassify"), MEMBERS, body={"obstype": "SPECTRUM"}),
    Row("POST", "/files/{identifier}/retry", _about("product", "retry"), MEMBERS),
    Row("GET", "/files/{identifier}/choices", _about("science", "choices"), signed_in(404, collaborator=200)),
    Row(
        "DELETE",
        "/files/{identifier}/choices/{variant}",
        lambda g: f"/files/{g.more['science']}/choices/{g.more['variant']}",
        signed_in(404, collaborator=202, pi=404),
    ),
    Row("POST", "/reduce", "/reduce", MEMBERS, body=_naming("science", bias=0)),
    Row("POST", "/spectrum/extract", "/spectrum/extract", MEMBERS, body=_naming("product")),
    Row(
        "POST",
        "/spectrum/calibrate/wavelength",
        "/spectrum/calibrate/wavelength",
        MEMBERS,
        body=lambda g: {"file": g.more["science"], "arcs": [g.more["lamp"]]},
    ),
    Row(
        "POST",
        "/spectrum/calibrate/flux",
        "/spectrum/calibrate/flux",
        signed_in(404, collaborator=501),
        body=_naming("science"),
    ),
    Row("POST", "/image/astrometry", "/image/astrometry", signed_in(404, collaborator=501), body=_naming("science")),
    Row("POST", "/calibrations", "/calibrations", MEMBERS, body=_naming("flat")),
    Row(
        "POST",
        "/reprocess",
        "/reprocess",
        signed_in(404, collaborator=403, pi=200),
        body={"proposal": "SOAR2026B-014", "dry_run": True},
    ),
    Row("GET", "/jobs/{identifier}", lambda g: f"/jobs/{g.more['job']}", signed_in(404, pi=200)),
)
