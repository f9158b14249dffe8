"""Queues as SQS has them: what is sent, and what is counted."""

from __future__ import annotations

import json

import pytest

from chalicelib.domain import topology
from chalicelib.domain.bulk import MAX_SUBJECTS, BulkWork
from chalicelib.store import clients, queues
from infra.local import resources


@pytest.fixture
def sqs(aws):
    resources.create_queues()
    return clients.sqs()


def bodies(sqs, queue: str) -> list[str]:
    found = []
    while messages := sqs.receive_message(QueueUrl=queues.queue_url(queue), MaxNumberOfMessages=10).get("Messages"):
        found += [message["Body"] for message in messages]
    return found


def test_bulk_work_is_split_into_messages(sqs):
    subjects = [f"frame#{number}" for number in range(2 * MAX_SUBJECTS + 1)]
    assert queues.send_bulk(subjects, reprocess=True, actor="staff") == 3
    sent = [BulkWork.parse(body) for body in bodies(sqs, topology.BULK.queue)]
    assert sorted(subject for work in sent for subject in work.subjects) == sorted(subjects)
    assert all(work.reprocess and work.actor == "staff" for work in sent)


def test_no_subjects_no_message(sqs):
    assert queues.send_bulk([]) == 0
    assert queues.counts(topology.BULK.queue) == (0, 0, 0)


def test_a_night_is_one_message(sqs):
    queues.send_bulk_night(20261121, actor="staff")
    (body,) = bodies(sqs, topology.BULK.queue)
    assert json.loads(body) == {"subjects": [], "actor": "staff", "raw_night": 20261121}


def test_depths_count_what_waits_is_in_flight_and_is_delayed(sqs):
    for number in range(3):
        queues.send("reduce", f"frame#{number}")
    queues.send("combine", "pool#x#1", delay=60)
    sqs.receive_message(QueueUrl=queues.queue_url(topology.REDUCE.queue))
    assert queues.counts(topology.REDUCE.queue) == (2, 1, 0)
    assert queues.counts(topology.COMBINE.queue) == (0, 0, 1)
    assert queues.depths() == {"ingest": 0, "combine": 1, "reduce": 3, "extract": 0, "wavelength": 0}


def refuse(sqs, block: topology.Block, times: int) -> None:
    for _ in range(times):
        (message,) = sqs.receive_message(QueueUrl=queues.queue_url(block.queue))["Messages"]
        queues.back_off(block.queue, message["ReceiptHandle"], 0)


def test_a_dead_letter_is_tried_as_often_itself(sqs):
    """It brings the count of its deliveries along: nobody may count those against DEADLETTER."""
    queues.send("reduce", "frame#1")
    refuse(sqs, topology.REDUCE, topology.MAX_RECEIVES)
    assert not sqs.receive_message(QueueUrl=queues.queue_url(topology.REDUCE.queue)).get("Messages")
    refuse(sqs, topology.DEADLETTER, topology.MAX_RECEIVES)
    assert not bodies(sqs, topology.DEADLETTER.queue)
    assert len(bodies(sqs, topology.UNDELIVERABLE_QUEUE)) == 1


def test_what_dead_letters_fail_on_is_kept_for_a_person(sqs):
    """A message that DEADLETTER cannot handle either, and one of bulk work, are delivered so often and then kept."""
    for block in (topology.DEADLETTER, topology.BULK):
        url = queues.queue_url(block.queue)
        sqs.send_message(QueueUrl=url, MessageBody=block.name)
        refuse(sqs, block, block.max_receives)
        assert not sqs.receive_message(QueueUrl=url).get("Messages")
    assert sorted(bodies(sqs, topology.UNDELIVERABLE_QUEUE)) == ["bulk", "deadletter"]
