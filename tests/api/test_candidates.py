"""Candidates as the API tells of them: other people's arcs, marked and foreign calibrations of the night."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from chalicelib.domain import matching
from chalicelib.domain.headers import Observation, observe
from chalicelib.domain.matching import Candidate
from chalicelib.domain.nights import file_id
from chalicelib.domain.records import MASTERS_SCOPE, raw_record, scope_of
from chalicelib.store import configurations, items, lineage
from tests.api.client import Api, problem
from tests.domain.test_headers import NEW
from tests.filing import file

STAR = replace(observe(NEW), exposure=600.0, proposal="SOAR2026B-014")
LAMP = replace(observe({**NEW, "OBSTYPE": "ARC", "LAMP_HGA": "TRUE"}), exposure=2.0, proposal="SOAR2026B-014")
MOMENT = "2026-11-21T00:00:00+00:00"


def filed(number: int, o: Observation, **changes) -> dict:
    """A record of an observation: raw, or as ``changes`` say."""
    identifier = file_id(STAR.night, number)
    made = raw_record(
        o, identifier=identifier, bucket="b", key=f"raw/{number}.fits", sha256=f"{number:064d}", size=9, moment=MOMENT
    )
    made |= {"status": "done", "scope": scope_of(o.proposal)} | changes
    file(made)
    return made


def arc(number: int, minutes: float, *, offered: bool = True, o: Observation = LAMP, **changes) -> tuple[dict, dict]:
    """A raw arc and its reduced frame, found by matching or not."""
    taken = replace(o, started=STAR.started + timedelta(minutes=minutes))
    raw = filed(number, taken, **changes)
    product = {"data_type": "2", "original_file_id": raw["id"], "inputs": [{"role": "raw", "id": raw["id"]}]}
    reduced = filed(number + 1, taken, **product, observation=None)
    if offered:
        candidate = Candidate.of(
            taken, id=reduced["id"], sha256=reduced["sha256"], key=reduced["key"], name=reduced["file_name"]
        )
        items.write([configurations.put_operation(matching.arc_key(taken), candidate)])
    return raw, reduced


def test_arcs_of_others_are_counted_and_keep_their_rank(api: Api):
    star = filed(1, STAR)
    _, mine = arc(10, 30)
    _, others = arc(20, 12, o=replace(LAMP, proposal="SOAR2026B-021"))
    shown = api.json(f"/files/{star['id']}/candidates")["arc"]
    assert [(c["id"], c["rank"], c["chosen"]) for c in shown["candidates"]] == [(mine["id"], 2, False)]
    assert shown["hidden"] == 1
    whole = api.json(f"/files/{star['id']}/candidates", "staff")["arc"]
    assert [(c["id"], c["rank"]) for c in whole["candidates"]] == [(others["id"], 1), (mine["id"], 2)]
    assert whole["hidden"] == 0


def test_two_that_bracket_the_frame_are_both_chosen(api: Api):
    star = filed(1, STAR)
    before, after, late = (arc(n, m)[1]["id"] for n, m in ((10, -8), (20, 25), (30, 50)))
    shown = api.json(f"/files/{star['id']}/candidates")["arc"]["candidates"]
    assert [(c["id"], c["chosen"]) for c in shown] == [(before, True), (after, True), (late, False)]
    assert "min before" in shown[0]["reasons"][-1]


def test_the_nights_others_are_told_with_the_reason(api: Api):
    star = filed(1, STAR)
    bad, _ = arc(10, 5, offered=False, bad={"reason": "Shutter stuck.", "by": "pi", "at": MOMENT})
    foreign, _ = arc(20, 5, offered=False, o=replace(LAMP, grating="2100_SYZY"))
    dark, _ = arc(30, 5, offered=False, o=replace(LAMP, lamps=(), lamps_known=True))
    member = filed(40, replace(STAR, obstype="BIAS", readout="another mode", proposal="calibrate"))
    master = filed(
        41,
        replace(STAR, obstype="BIAS"),
        data_type="1",
        scope=MASTERS_SCOPE,
        observation=None,
        inputs=[{"role": "member", "id": member["id"]}],
    )
    shown = api.json(f"/files/{star['id']}/candidates")
    reasons = {c["id"]: c["reasons"] for kind in ("bias", "flat", "arc") for c in shown[kind]["candidates"]}
    assert reasons[bad["id"]] == ["Marked bad: Shutter stuck."]
    assert "its grating is 2100_SYZY" in reasons[foreign["id"]][0]
    assert "No lamp" in reasons[dark["id"]][0]
    assert "its readout mode is another mode" in reasons[master["id"]][0]
    assert set(reasons) == {r["id"] for r in (bad, foreign, dark, master)}
    assert all(c["rank"] is None for kind in ("bias", "arc") for c in shown[kind]["candidates"])


def test_a_file_that_is_no_frame_has_none(api: Api):
    focus = filed(1, replace(STAR, obstype="FOCUS"))
    assert "FOCUS" in problem(api.get(f"/files/{focus['id']}/candidates"), 409)["detail"]
    unread = filed(2, STAR, observation=None)
    problem(api.get(f"/files/{unread['id']}/candidates"), 409)


def test_lineage_of_a_much_used_arc_is_bounded_and_says_so(api: Api, monkeypatch):
    """Twelve frames of the night used one arc; ten are looked at."""
    _, reduced = arc(10, 5)
    subjects = []
    for number in range(100, 112):
        made = filed(
            number, STAR, data_type="4", inputs=[{"role": "arc", "id": reduced["id"]}], original_file_id=number
        )
        subject = f"frame#{file_id(STAR.night, number + 500)}"
        stages = {"wavelength": {"used": [reduced["id"]], "products": [{"id": made["id"]}]}}
        subjects.append(made["id"])
        items.write([items.operation("Put", "subjects", item={"subject": subject, "stages": stages})])
        configurations.register_interests((matching.arc_key(LAMP),), subject, STAR.night)
    whole = api.json(f"/files/{reduced['id']}/lineage")
    assert {n["id"] for n in whole["nodes"] if n["relation"] == "descendant"} == set(subjects)
    assert whole["complete"]
    monkeypatch.setattr(lineage, "MOST_SUBJECTS", 10)
    part = api.json(f"/files/{reduced['id']}/lineage")
    assert sum(n["relation"] == "descendant" for n in part["nodes"]) == 10 and not part["complete"]
    monkeypatch.setattr(lineage, "MOST_NODES", 5)
    part = api.json(f"/files/{reduced['id']}/lineage")
    assert len(part["nodes"]) == 6 and not part["complete"]
