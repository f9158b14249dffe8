"""What staff do by hand, on a night that was taken in."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from chalicelib.blocks import reduce
from chalicelib.domain import topology
from chalicelib.domain.bulk import BulkWork
from chalicelib.science.errors import NoTargetFound
from chalicelib.store import clients, items, purge, queues, subjects
from infra.operate import depths, nights
from tests.operate.conftest import NEVER, TAKEN_IN, pool_of
from tests.protocol.frames import NIGHT, frames

PROPOSAL = "SOAR2026B-014"


def frame(observatory, name: str) -> str:
    return f"frame#{observatory.record(name)['id']}"


def test_queues_shows_depths_ages_and_what_is_open(night, operate):
    queues.send("reduce", "frame#1")
    queues.send("combine", "pool#1", delay=60)
    earlier = datetime.now(UTC) - timedelta(seconds=90)
    boto3.client("cloudwatch").put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "ApproximateAgeOfOldestMessage",
                "Dimensions": [{"Name": "QueueName", "Value": "goodman-reduce"}],
                "Value": 3725,
                "Timestamp": earlier,
            }
        ],
    )
    answer = operate("queues")
    assert answer.code == 0
    lines = {line.split()[0]: line.split()[1:] for line in answer.out.splitlines() if line.startswith("goodman-")}
    assert set(lines) == {*(b.queue for b in topology.BLOCKS), topology.UNDELIVERABLE_QUEUE}
    assert lines["goodman-reduce"] == ["1", "0", "0", "1:02:05"]
    assert lines["goodman-combine"] == ["0", "0", "1", "–"]
    open_now = sum(1 for _ in subjects.open_subjects())
    assert open_now > 0
    assert f"{open_now} frame(s) and pool(s) are open" in answer.out


def test_queues_warns_of_the_undeliverable(observatory, operate):
    observatory.send(topology.UNDELIVERABLE_QUEUE, "x")
    answer = operate("queues", "--json")
    assert answer.code == 3
    told = json.loads(answer.out)
    assert told["queues"][-1] == {
        "queue": "goodman-undeliverable",
        "waiting": 1,
        "in_flight": 0,
        "delayed": 0,
        "oldest_seconds": None,
    }
    assert "python -m infra.operate redrive" in operate("queues").out


def test_ages_are_read_by_people():
    assert [depths.age(value) for value in (None, 5, 90061)] == ["–", "0:00:05", "1 day, 1:01:01"]


def test_retry_failed_retries_each_subject_once(failed_night, operate):
    answer = operate("retry-failed", "--night", str(NIGHT))
    assert answer.code == 0
    assert failed_night.take("goodman-ingest") == [{"key": NEVER}]
    retried = {message["subject"] for message in failed_night.take("goodman-asked")}
    frames = {frame(failed_night, "0007_star.fits"), frame(failed_night, "0006 arc+1.fits")}
    assert retried == {pool_of(failed_night), *frames}
    item = subjects.read(frame(failed_night, "0007_star.fits"))
    assert "open" in item, "the retry is a fact, not only a message"
    assert re.match(r"4 of 4 failed .* are retried: ", answer.out)


def test_retry_failed_of_all_nights_looks_at_files_only(failed_night, operate):
    assert operate("retry-failed").code == 0
    asked = [message["subject"] for message in failed_night.take("goodman-asked")]
    assert len(asked) == 2 and all(subject.startswith("frame#") for subject in asked)


def test_retry_failed_may_be_told_the_code_and_only_to_look(failed_night, operate):
    answer = operate("retry-failed", "--code", "unexpected", "--dry-run")
    assert "3 of 3 failed frame(s) and master(s) would be retried: 3 of code unexpected." in answer.out
    assert "0007_star.fits" in answer.err
    assert not any(queues.depths().values())
    assert operate("retry-failed", "--code", "no_such_code").out.startswith("0 of 3")
    assert operate("retry-failed", "--night", "20200101").out.startswith("0 of 0")


def test_a_final_failure_is_not_retried(night, operate, monkeypatch):
    def no_target(step, facts):
        raise NoTargetFound("No spectrum stands out of the sky.")

    monkeypatch.setattr(reduce, "make_reduced", no_target)
    reduce.handle(frame(night, "0007_star.fits"))
    night.empty()
    answer = operate("retry-failed")
    assert "0 of 1" in answer.out
    assert "1 failed for good" in answer.out
    assert not any(queues.depths().values())


def test_backfill_sends_a_night_through_the_bulk_queue(night, operate):
    answer = operate("backfill", str(NIGHT), "--actor", "operator")
    assert answer.code == 0
    assert f"{len(TAKEN_IN) + 1} object(s) of 1 night(s) will be taken in" in answer.out
    assert night.take("goodman-bulk") == [{"subjects": [], "raw_night": NIGHT, "actor": "operator"}]
    assert not any(queues.depths().values())


def test_backfill_says_which_nights_are_empty(night, operate):
    answer = operate("backfill", "2026-11-20..2026-11-21", "--dry-run")
    assert answer.code == 3
    assert "There is no object under raw/ of 20261120." in answer.out
    assert night.take("goodman-bulk") == []


def test_what_backfill_sends_takes_in_every_object(observatory, operate, monkeypatch):
    """Command → bulk queue → pacer → INGEST's queue, until all are there."""
    from chalicelib.blocks import bulk
    from chalicelib.store import clock

    now = [1_800_000_000.0]
    monkeypatch.setattr(clock, "now", lambda: now[0])
    for key, data in frames().items():
        observatory.put(key, data)
    operate("backfill", str(NIGHT))
    told = []
    (message,) = observatory.take("goodman-bulk")
    while message:
        now[0] += topology.BULK_TURN
        sent = []
        monkeypatch.setattr(queues, "send_work", lambda work, delay=0, sent=sent: sent.append(json.loads(work.body())))
        bulk.handle(json.dumps(message))
        told += [nudge["key"] for nudge in observatory.take("goodman-ingest")]
        message = sent[0] if sent else None
    assert sorted(told) == sorted(frames())
    assert len(told) > topology.BULK_UNDER_WAY, "it took several turns"


@pytest.mark.parametrize(
    "choice",
    [
        ("--proposal", "soar2026b-014"),
        ("--night", str(NIGHT)),
        ("--night", "2026-11-21", "--proposal", PROPOSAL),
    ],
)
def test_reprocess_names_pools_first_then_frames(night, operate, choice):
    answer = operate("reprocess", *choice)
    assert answer.code == 0
    (body,) = night.take("goodman-bulk")
    work = BulkWork.parse(json.dumps(body))
    assert work.reprocess
    assert work.subjects[0] == pool_of(night)
    star, arc = frame(night, "0007_star.fits"), frame(night, "0006 arc+1.fits")
    assert set(work.subjects[1:]) == {star, arc}, "neither the focus frame nor what is rejected"
    assert "2 frame(s) and 1 pool(s) of 7 raw file(s) will be reprocessed" in answer.out or "--proposal" in choice


def test_what_reprocess_sends_changes_the_settings_of_a_frame(night, operate):
    from chalicelib.blocks import bulk
    from chalicelib.store import accounts

    pi = accounts.create_user("pi", "pi@example.org")
    proposal = accounts.create_proposal(PROPOSAL, pi=pi["id"], semester="2026B", title="t")
    settings = {"settings": {"maximum_targets": 1}, "settings_revision": 7}
    items.write(
        [items.operation("Put", "proposals", item={**items.get("proposals", {"id": proposal["id"]}), **settings})]
    )
    operate("reprocess", "--night", str(NIGHT))
    (body,) = night.take("goodman-bulk")
    bulk.handle(json.dumps(body))
    star = subjects.read(frame(night, "0007_star.fits"))
    assert (star["settings_revision"], star["settings"]["maximum_targets"]) == (7, 1)
    assert {"subject": frame(night, "0007_star.fits")} in night.take("goodman-reduce")


def test_reprocess_wants_to_know_what(night, operate):
    assert operate("reprocess").code == 2
    assert operate("reprocess", "--proposal", "nobody").code == 3
    assert "would be" in operate("reprocess", "--night", str(NIGHT), "--dry-run").out
    assert night.take("goodman-bulk") == []


def test_recount_finds_and_mends(night, operate):
    assert operate("recount", "--all").code == 0
    spoiled = items.get("ledger", {"proposal": PROPOSAL, "night": NIGHT})
    items.write([items.operation("Put", "ledger", item=spoiled | {"n": spoiled["n"] + 1})])
    answer = operate("recount", "--night", str(NIGHT))
    assert answer.code == 3
    assert f"{NIGHT}" in answer.out and "--repair mends them" in answer.out
    answer = operate("recount", "--night", str(NIGHT), "--repair")
    assert answer.code == 0
    assert "1 difference(s) were mended" in answer.out
    assert items.get("ledger", {"proposal": PROPOSAL, "night": NIGHT})["n"] == spoiled["n"]
    assert operate("recount").code == 2


def test_purge_says_how_many(observatory, operate, monkeypatch):
    asked = []
    monkeypatch.setattr(purge, "purge_due", lambda now, days_back: asked.append(days_back) or 2)
    assert operate("purge", "--days", "90").out == "2 deleted file(s) were removed for good.\n"
    assert asked == [90]
    assert operate("purge", "--days", "0").code == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [("20261121", [20261121]), ("2026-11-21", [20261121]), ("20261130..20261201", [20261130, 20261201])],
)
def test_nights_as_people_write_them(text, expected):
    assert nights.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "20261131", "20261122..20261121", "20261121..", "00010101..99991231"]
)
def test_other_words_are_refused_in_a_sentence(operate, text):
    answer = operate("backfill", text)
    assert answer.code == 2
    assert "night" in answer.err and "Traceback" not in answer.err


def test_wrong_usage_and_an_absent_aws_are_sentences(observatory, operate, monkeypatch):
    assert operate("no-such-command").code == 2
    clients.sqs().delete_queue(QueueUrl=queues.queue_url("goodman-reduce"))
    answer = operate("queues")
    assert answer.code == 1
    assert "right account" in answer.err


def test_the_bucket_is_found_or_asked_for(aws, operate, monkeypatch):
    monkeypatch.delenv("GOODMAN_BUCKET", raising=False)
    clients.s3().create_bucket(Bucket="goodman-live-2")
    answer = operate("backfill", str(NIGHT))
    assert answer.code == 2
    assert "--bucket" in answer.err
    clients.s3().delete_bucket(Bucket="goodman-live-2")
    assert operate("backfill", str(NIGHT)).code == 3


@pytest.mark.parametrize("command", ["queues", "redrive", "retry-failed", "backfill", "reprocess", "recount", "purge"])
def test_every_command_explains_itself(operate, command):
    answer = operate(command, "--help")
    assert answer.code == 0
    assert "exit codes" in answer.out and "--endpoint" in answer.out
