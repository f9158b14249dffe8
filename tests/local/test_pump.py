"""The pump does to messages what Lambda's event source mapping does, and nothing is lost when it is killed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain import topology
from chalicelib.store import clients, queues
from infra.local import resources, timings
from infra.local.moto_queues import messages_in
from infra.local.moto_server import MotoServer
from infra.local.pump import subject_of
from infra.local.pump_process import PumpFailed, PumpProcess

INGEST = topology.INGEST.queue


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def pump(moto: MotoServer, tmp_path: Path, notices: list[str]) -> Iterator[PumpProcess]:
    resources.create_all()
    process = PumpProcess("tests.local.echo_app", 2, tmp_path, notices.append, cold=True)
    process.start()
    process.wait_until_ready(60)
    until(lambda: messages_in(INGEST) == 0)  # s3:TestEvent is handled like any message
    yield process
    process.stop()


def until(condition: Callable[[], Any], seconds: float = 120) -> None:
    """Look again and again for something another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def tell(subject: str, do: str = "note") -> None:
    body = json.dumps({"subject": subject, "do": do})
    clients.sqs().send_message(QueueUrl=queues.queue_url(INGEST), MessageBody=body)


def notes(subject: str) -> list[dict[str, Any]]:
    found = clients.s3().list_objects_v2(Bucket=clients.bucket(), Prefix=f"preview/{subject}/").get("Contents", [])
    bodies = [clients.s3().get_object(Bucket=clients.bucket(), Key=entry["Key"])["Body"].read() for entry in found]
    return [json.loads(body) for body in bodies]


def invocations(pump: PumpProcess, subject: str) -> list[dict[str, Any]]:
    return [line for line in timings.read_invocations(pump.invocations) if line["subject"] == subject]


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as status:
            return status.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == pid:
                found.append(int(entry.name))
    return found


def test_a_message_becomes_lambdas_event_and_is_deleted(pump):
    tell("plain")
    until(lambda: invocations(pump, "plain"))
    until(lambda: messages_in(INGEST) == 0)
    (note,) = notes("plain")
    record = note["record"]
    assert json.loads(record["body"])["subject"] == "plain"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(f":{INGEST}")
    assert {"messageId", "receiptHandle", "md5OfBody", "messageAttributes", "awsRegion"} <= set(record)
    assert note["memory"] == topology.INGEST.memory
    assert 0 < note["remaining"] <= topology.INGEST.timeout * 1000
    (cost,) = invocations(pump, "plain")
    assert cost["outcome"] == "ok"
    assert cost["request_id"] == note["request"]
    assert cost["aws_calls"] == 1
    assert cost["objects"] == 1
    assert 0 < cost["aws_seconds"] <= cost["wall"]
    assert 0 < cost["cpu"] < cost["wall"] + 1
    assert 10 < cost["peak_memory"] < 2000


def test_a_message_whose_handler_raises_comes_back(pump):
    tell("stubborn", "raise")
    until(lambda: len(invocations(pump, "stubborn")) == 2)
    first, second = invocations(pump, "stubborn")
    assert (first["outcome"], second["outcome"]) == ("error", "ok")
    assert "asked to" in first["error"]
    assert (first["receives"], second["receives"]) == (1, 2)
    until(lambda: messages_in(INGEST) == 0)
    assert "a handler may print" in pump.log.read_text()


def test_a_handler_that_dies_or_hangs_takes_nobody_with_it(pump, monkeypatch):
    tell("dead", "die")
    until(lambda: invocations(pump, "dead"))
    assert invocations(pump, "dead")[0]["outcome"] == "died"
    assert messages_in(INGEST) == 1  # invisible until its time is up
    for number in range(4):
        tell(f"after{number}")
    until(lambda: all(invocations(pump, f"after{number}") for number in range(4)))
    assert messages_in(INGEST) == 1


def test_a_killed_pump_is_started_again_and_loses_nothing(pump, notices):
    tell("caught", "hang")
    until(lambda: notes("caught"))
    first = pump.pid
    workers = children(first)
    assert len(workers) == 2
    os.kill(first, signal.SIGKILL)
    # Told by its parent's wait: only then all its threads are gone and its connections closed. A process that merely
    # looks dead may still hold a long poll open, and SQS would hand the next message to it and hide it for minutes.
    until(lambda: notices)
    for number in range(5):
        tell(f"meanwhile{number}")
    until(lambda: all(invocations(pump, f"meanwhile{number}") for number in range(5)))
    assert pump.pid != first
    assert notices == ["The pump ended (signal SIGKILL); it is started again."]
    until(lambda: not any(alive(worker) for worker in workers))
    assert messages_in(INGEST) == 1  # the one caught in the middle: hidden, not lost
    assert all(len(notes(f"meanwhile{number}")) == 1 for number in range(5))


def test_stopping_ends_every_process(pump, notices):
    tell("caught", "hang")
    until(lambda: notes("caught"))
    processes = [pump.pid, *children(pump.pid)]
    assert len(processes) == 3
    pump.stop()
    until(lambda: not any(alive(process) for process in processes))
    assert notices == []


def test_an_application_that_does_not_import_is_said_in_a_sentence(moto, tmp_path, notices):
    resources.create_all()
    process = PumpProcess("tests.local.no_such_app", 1, tmp_path, notices.append, cold=True)
    process.start()
    try:
        with pytest.raises(PumpFailed, match=r"could not be started; see .*pump\.log"):
            process.wait_until_ready(60)
    finally:
        process.stop()
    assert "no_such_app" in process.log.read_text()


def test_every_queue_has_dead_letters_and_every_prefix_its_queue(moto):
    resources.create_all()
    resources.create_all()  # a second time changes nothing
    for block in topology.BLOCKS:
        attributes = clients.sqs().get_queue_attributes(
            QueueUrl=queues.queue_url(block.queue), AttributeNames=["RedrivePolicy", "VisibilityTimeout"]
        )["Attributes"]
        target = json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"].rsplit(":", 1)[1]
        assert target == block.dead_letter_queue
        assert int(attributes["VisibilityTimeout"]) == block.visibility_timeout
    for block in topology.BLOCKS:
        for prefix in block.prefixes:
            before = messages_in(block.queue)
            clients.s3().put_object(Bucket=clients.bucket(), Key=f"{prefix}20180204/a +é.fits", Body=b"")
            assert messages_in(block.queue) == before + 1
    versions = clients.s3().get_bucket_versioning(Bucket=clients.bucket())
    assert versions["Status"] == "Enabled"


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        ('{"subject": "frame#1"}', "frame#1"),
        ('{"Records": [{"s3": {"object": {"key": "raw%2F1+%C3%A9.fits"}}}]}', "raw/1 é.fits"),
        ('{"Event": "s3:TestEvent"}', "s3:TestEvent"),
        ("no json", "no json"),
        ("[1]", "[1]"),
    ],
)
def test_the_log_names_what_a_message_is_about(body, subject):
    assert subject_of(body) == subject
