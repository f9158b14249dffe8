"""What people decide, their jobs, the purge, the recount and bulk work, with answers lost in the middle."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.blocks import bulk
from chalicelib.domain.plan import DONE, StageState
from chalicelib.domain.steps import Input
from chalicelib.store import actions, clients, items, jobs, masters, publish, purge, queues, recount, subjects
from chalicelib.store.items import Contended
from infra.local import resources
from tests.filing import file, record
from tests.local.test_lost_answers import (  # noqa: F401 (aws is a fixture)
    WEATHER,
    Clock,
    _fresh,
    aws,
    disturbed,
    histories,
    in_turn,
    redelivered,
)


@pytest.fixture(scope="module", autouse=True)
def _queues(aws: None) -> None:  # noqa: F811
    resources.create_queues()
    queues.forget()


def product(**changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A raw frame and its published product, in a night of their own, with the subject that says so."""
    night = 20_000_000 + next(_fresh)
    raw = record(night, 1, obstype="SPECTRUM", scope="S")
    made = record(
        night, 2, obstype="SPECTRUM", data_type="2", original_file_id=raw["id"], scope="S", run_key="r" * 64, **changes
    )
    subject = subjects.frame_subject(raw["id"])
    made |= {
        "subject": subject,
        "key": f"reduced/spectrum/{night}/{made['id']}/{'r' * 12}/x.fits",
        "sha256": f"{night:064d}",
    }
    file(raw, made)
    state = StageState("r" * 64, DONE, products=(Input("reduced", made["id"], made["sha256"], made["key"], "x"),))
    items.write(
        [
            items.operation(
                "Put", "subjects", item={"subject": subject, "nudges": 0, "stages": {"reduce": state.to_item()}}
            )
        ]
    )
    return raw, made


def told(night: int, outcome: str) -> int:
    """How many events tell of an outcome."""
    found = items.query("events", "scope_night = :s", {"s": f"S#{night}"})
    return sum(event["outcome"] == outcome for event in found)


def counted(night: int) -> int:
    """How many files the ledger counts, which is as many as are listed."""
    ledger = items.get("ledger", {"proposal": "S", "night": night}) or {"n": 0}
    listed = list(items.query("listing", "night = :n", {"n": night}))
    assert sum(v for k, v in ledger.items() if k.startswith(publish.COUNT)) == ledger["n"] == len(listed)
    return ledger["n"]


@histories
@given(weather=WEATHER, wanted=st.lists(st.sampled_from(["delete", "restore"]), min_size=1, max_size=4))
def test_a_file_is_deleted_and_restored_once_however_often_it_is_said(again, weather, wanted):
    _, made = product()
    night, subject = made["night"], made["subject"]
    there, deletions, restorations = True, 0, 0
    with disturbed(weather):
        for action in wanted:
            if action == "delete":
                try:
                    redelivered(lambda: actions.delete(made["id"], "ann"))
                except actions.NotThere:  # deleted: by an earlier word, or by a try whose end nobody saw
                    pass
                deletions += there
                there = False
            else:
                redelivered(lambda: actions.restore(made["id"], "ann"))
                restorations += not there
                there = True
    now = items.get("files", {"id": made["id"]})
    item = subjects.read(subject)
    assert ("deleted" not in now, counted(night)) == (there, 1 + there)
    assert ("deleted_on" not in now) == there
    assert (made["id"] in (item.get("tombstones") or ())) is not there
    assert (told(night, "deleted"), told(night, "restored")) == (deletions, restorations)
    if deletions:
        assert "open" in item and item["nudges"] == deletions + restorations


@histories
@given(weather=WEATHER, others=st.lists(st.sampled_from(["", "nudge", "take", "status"]), max_size=5))
def test_a_decision_keeps_what_others_write_meanwhile(again, weather, others):
    raw, _ = product(observation={})
    observed = {**raw, "obstype": "ARC", "observation": {"obstype": "ARC"}}
    items.write([items.operation("Put", "files", item=observed | {"rev": 1})])
    subject, seen = subjects.frame_subject(raw["id"]), []

    def status() -> None:
        old = items.get("files", {"id": raw["id"]})
        seen.append(f"reason {len(seen)}")
        items.write(publish.record_operations([publish.Change(old, {**old, "status_reason": seen[-1]})]))

    meanwhile = {
        "": None,
        "nudge": lambda: subjects.nudge(subject),
        "take": lambda: subjects.take(subject, 100),
        "status": status,
    }
    with disturbed(weather, in_turn([meanwhile[name] for name in others])):
        redelivered(lambda: actions.mark_bad(raw["id"], "ann", "Light."))
        redelivered(lambda: actions.reclassify(raw["id"], "FOCUS", "bob"))
        redelivered(lambda: actions.unmark_bad(raw["id"], "ann"))
    now = items.get("files", {"id": raw["id"]})
    assert (now["obstype"], now["observation"]["obstype"], now["reclassified"]["from"]) == ("FOCUS", "FOCUS", "ARC")
    assert "bad" not in now and "bad" not in subjects.read(subject)
    assert "open" in subjects.read(subject)
    if seen:
        assert now["status_reason"] in seen
    night = raw["night"]
    assert [told(night, outcome) for outcome in ("bad", "reclassified", "good")] == [1, 1, 1]


@histories
@given(weather=WEATHER)
def test_asking_again_counts_once_and_a_choice_is_one(again, weather):
    raw, _ = product()
    subject = subjects.frame_subject(raw["id"])
    sure = True
    with disturbed(weather):
        try:
            actions.run_again(raw["id"], "reduce", "ann")
        except (BotoCoreError, ClientError, Contended):
            sure = False
            redelivered(lambda: actions.run_again(raw["id"], "reduce", "ann"))
        variants = {
            redelivered(
                lambda: actions.choose(raw["id"], {"stage": "extract", "settings": {"maximum_targets": 1}}, "ann")
            )
            for _ in range(2)
        }
        redelivered(lambda: masters.combine_again(f"pool#master_bias|RED|x|y|2x2#{raw['night']}", "ann"))
    item = subjects.read(subject)
    assert len(variants) == 1 and sum(name.startswith("choice:") for name in item) == 1
    assert item["retry:reduce"] == 1 if sure else item["retry:reduce"] in (1, 2)
    assert subjects.read(f"pool#master_bias|RED|x|y|2x2#{raw['night']}")["retry:bias"] >= 1


@histories
@given(weather=WEATHER, others=st.lists(st.sampled_from(["", "finish", "advance"]), max_size=4))
def test_a_job_ends_once_and_its_first_end_stands(again, weather, others):
    with disturbed(weather):
        job = redelivered(lambda: jobs.create("zip", 7, selected=[1, 2]))
    ends: list[str] = []

    def finish(sentence: str) -> None:
        jobs.finish(job["id"], result={"sentence": sentence})
        ends.append(sentence)

    meanwhile = {"": None, "finish": lambda: finish("theirs"), "advance": lambda: jobs.advance(job["id"], 1, 2)}
    with disturbed(weather, in_turn([meanwhile[name] for name in others])):
        redelivered(lambda: jobs.advance(job["id"], 1, 2, "half"))
        redelivered(lambda: finish("ours"))
    now = jobs.standing(jobs.get(job["id"]))
    assert (now.status, now.sentence in ends) == ("done", True)
    finish("later")
    assert jobs.standing(jobs.get(job["id"])) == now
    jobs.advance(job["id"], 9, 9)
    jobs.finish("none", failure="There is none.")
    assert jobs.get("none") is None
    assert jobs.standing(jobs.get(job["id"])) == now


@histories
@given(weather=WEATHER, others=st.lists(st.sampled_from(["", "restore", "purge"]), max_size=3))
def test_a_deleted_file_is_purged_whole_or_not_at_all(again, weather, others):
    with pytest.MonkeyPatch.context() as patches:
        now = Clock(patches)
        now.now += 10_000_000 * next(_fresh)  # days of its own in the index
        _, made = product()
        bucket = clients.bucket()
        clients.s3().put_object(Bucket=bucket, Key=made["key"], Body=b"bytes")
        actions.delete(made["id"], "ann")
        now.now += purge.UNDO_SECONDS + 1
        restored: list[bool] = []

        def restore() -> None:
            try:
                actions.restore(made["id"], "ann")
                restored.append(True)
            except actions.Refused:
                restored.append(False)

        meanwhile = {"": None, "restore": restore, "purge": lambda: purge.purge_due(now.now, days_back=3)}
        with disturbed(weather, in_turn([meanwhile[name] for name in others])):
            redelivered(lambda: purge.purge_due(now.now, days_back=3))
        purge.purge_due(now.now, days_back=3)
    found = items.get("files", {"id": made["id"]})
    versions = clients.s3().list_object_versions(Bucket=bucket, Prefix=made["key"])
    if True in restored:
        assert "purged" not in found and "deleted" not in found
        assert versions.get("Versions"), "its object is still there"
    else:
        assert found["purged"] and found["deleted"] and "deleted_on" not in found
        assert not versions.get("Versions")
        assert told(made["night"], "purged") == 2
    assert counted(made["night"]) == (2 if True in restored else 1)


@histories
@given(weather=WEATHER, others=st.lists(st.sampled_from(["", "delete", "restore"]), max_size=4))
def test_a_night_is_recounted_right_while_others_write(again, weather, others):
    raw, made = product()
    night = raw["night"]
    items.write([items.operation("Put", "counters", item={"counter": f"night#{night}", "n": 2})])
    wrong = items.get("ledger", {"proposal": "S", "night": night}) | {"n": 40, "c#wrong": 38}
    items.write([items.operation("Put", "ledger", item=wrong)])
    items.write([items.operation("Delete", "listing", key={"night": night, "id": raw["id"]})])

    def quietly(action: Any) -> Any:
        def act() -> None:
            try:
                action(made["id"], "ann")
            except (actions.NotThere, Contended):
                pass

        return act

    meanwhile = {"": None, "delete": quietly(actions.delete), "restore": quietly(actions.restore)}
    with disturbed(weather, in_turn([meanwhile[name] for name in others])):
        try:
            redelivered(lambda: recount.repair(night, {"S"}))
        except recount.NightContended:
            pass
    recount.repair(night, {"S"})
    assert recount.verify(night, {"S"}) == []
    deleted = "deleted" in items.get("files", {"id": made["id"]})
    assert counted(night) == 2 - deleted


@histories
@given(weather=WEATHER, count=st.integers(1, 30))
def test_bulk_work_whose_turns_answer_is_lost_is_not_lost(again, weather, count):
    wanted = [f"frame#{2_0261121_00000 + next(_fresh)}" for _ in range(count)]
    with pytest.MonkeyPatch.context() as patches:
        now = Clock(patches)
        now.now += 10_000 * next(_fresh)
        waiting: list[str] = [json.dumps({"subjects": wanted})]
        told_of: list[str] = []
        patches.setattr(queues, "send_work", lambda work, delay=0: waiting.append(work.body()))
        patches.setattr(queues, "send", lambda block, subject, delay=0: told_of.append(subject))
        patches.setattr(queues, "depths", lambda: dict.fromkeys((b.name for b in bulk.PIPELINE), 0))
        with disturbed(weather):
            for _ in range(200):
                if not waiting:
                    break
                body = waiting.pop(0)
                redelivered(lambda: bulk.handle(body))
                now.now += 6
    assert not waiting
    assert set(told_of) == set(wanted)
