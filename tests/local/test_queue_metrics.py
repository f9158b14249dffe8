"""Ages of messages on one machine: moto's CloudWatch says what SQS would tell it."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.utils import utcnow
from moto.sqs.models import sqs_backends

from chalicelib.domain import topology
from chalicelib.store import queue_ages, queues
from infra.local import queue_metrics, resources
from tests.local.test_pump import until

ACCOUNT, REGION = "123456789012", "us-east-1"


@pytest.fixture(autouse=True)
def _queues(moto) -> None:
    resources.create_queues()


def older(queue: str, seconds: float) -> None:
    """The first message of a queue was sent so long ago."""
    message = sqs_backends[ACCOUNT][REGION].get_queue(queue)._messages[0]
    message.sent_timestamp = int(1000 * (time.time() - seconds))


def test_the_oldest_message_counts_and_one_in_flight_too(sqs):
    for number in range(2):
        queues.send("reduce", f"frame#{number}")
        queues.send("extract", f"frame#{number}")
    older(topology.REDUCE.queue, 70)
    older(topology.EXTRACT.queue, 50)
    assert sqs.receive_message(QueueUrl=queues.queue_url(topology.EXTRACT.queue))["Messages"]
    queue_metrics.publish()
    ages = queue_ages.of_blocks()
    assert ages["reduce"] in (70, 71)
    assert ages["extract"] in (50, 51)
    assert ages["ingest"] == 0, "SQS says 0 of an empty queue"


def test_what_nobody_asks_for_any_more_is_dropped():
    backend = cloudwatch_backends[ACCOUNT][REGION]
    for minutes in (30, 10):
        backend.put_metric_data(
            "AWS/SQS",
            [{"MetricName": f"{minutes}", "Value": 1, "Timestamp": utcnow() - timedelta(minutes=minutes)}],
        )
    for _ in range(3):
        queue_metrics.publish()
    names = [datum.name for datum in backend.metric_data]
    assert "30" not in names and "10" in names
    assert len(names) == 1 + 3 * (len(topology.BLOCKS) + 1)


def test_a_thread_publishes_until_it_is_stopped():
    queues.send("ingest", "frame#1")
    older(topology.INGEST.queue, 20)
    told: list[str] = []
    metrics = queue_metrics.QueueMetrics(told.append, period=0.05)
    try:
        until(lambda: (queue_ages.of_blocks()["ingest"] or 0) >= 20)
    finally:
        metrics.stop()
    assert told == []
