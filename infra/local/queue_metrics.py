"""The age of each queue's oldest message in moto's CloudWatch, which moto's SQS does not tell it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.utils import utcnow

from chalicelib.domain import topology
from chalicelib.store import queue_ages
from infra.local.environment import REGION
from infra.local.moto_queues import oldest_in

PERIOD = 5.0
"""SQS publishes once a minute; who looks at one machine does not wait so long."""

KEPT = timedelta(minutes=20)
"""Longer than anybody looks back (``python -m infra.operate queues``: 15 minutes)."""


class QueueMetrics:
    """Publishes the ages every few seconds in a thread of this process, as SQS does in the cloud."""

    def __init__(self, notify: Callable[[str], None], period: float = PERIOD) -> None:
        self._notify = notify
        self._period = period
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="queue metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Publish no more."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        told = False
        while not self._stopping.wait(self._period):
            try:
                publish()
            except Exception as error:  # ages are missing then, and nothing else
                if not told:
                    self._notify(f"The ages of the queues' messages are not known: {error}")
                told = True


def publish() -> None:
    """Put one value for each queue, 0 for an empty one as SQS does, and drop those that nobody asks for any more."""
    backend: CloudWatchBackend = cloudwatch_backends[DEFAULT_ACCOUNT_ID][REGION]
    now = utcnow()  # without a zone, as moto compares it
    backend.put_metric_data(queue_ages.NAMESPACE, [_datum(name, now) for name in _queues()])
    # One assignment: whoever reads meanwhile has the list as it was.
    backend.metric_data = [datum for datum in backend.metric_data if datum.timestamp > now - KEPT]


def _queues() -> list[str]:
    return [*(block.queue for block in topology.BLOCKS), topology.UNDELIVERABLE_QUEUE]


def _datum(queue: str, now: datetime) -> dict[str, object]:
    oldest = oldest_in(queue)
    return {
        "MetricName": queue_ages.METRIC,
        "Dimensions": [{"Name": "QueueName", "Value": queue}],
        "Timestamp": now,
        "Value": 0.0 if oldest is None else max(0.0, time.time() - oldest),
        "Unit": "Seconds",
    }
