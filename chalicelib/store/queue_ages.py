"""How long the oldest message of each queue waits. SQS says it nowhere but in CloudWatch, and there once a minute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..domain.topology import PIPELINE
from . import clients, clock

NAMESPACE = "AWS/SQS"
METRIC = "ApproximateAgeOfOldestMessage"
PERIOD = 60
"""Seconds from one value of SQS to the next."""

WITHIN = 5
"""Minutes the newest value may be old; CloudWatch gets it late, and nothing of a queue that lies idle for hours."""


def of_blocks() -> Mapping[str, int | None]:
    """Seconds the oldest message of each block of the pipeline waits; None where CloudWatch does not say it.

    It is not worth waiting for, or failing: who asks is told None if CloudWatch refuses or is slow.
    """
    try:
        known = oldest(block.queue for block in PIPELINE)
    except (BotoCoreError, ClientError):
        known = {}
    return {block.name: round(known[block.queue]) if block.queue in known else None for block in PIPELINE}


def oldest(queues: Iterable[str], *, within: int = WITHIN, client: Any = None) -> dict[str, float]:
    """Queue → seconds, for those of which CloudWatch knows a value not older than ``within`` minutes: one call.

    Parameters
    ----------
    queues : iterable of str
        Names of queues.
    within : int
        Minutes to look back.
    client : optional
        One that is more patient than the API's.
    """
    names = list(queues)
    # Whole periods: CloudWatch answers those from the points it keeps, others it would have to compute.
    minute = datetime.fromtimestamp(clock.now() // PERIOD * PERIOD, timezone.utc)
    answer = (client or clients.cloudwatch()).get_metric_data(
        MetricDataQueries=[_query(f"q{number}", name) for number, name in enumerate(names)],
        StartTime=minute - timedelta(minutes=within),
        EndTime=minute + timedelta(seconds=PERIOD),
        ScanBy="TimestampDescending",
    )
    values = {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}
    return {name: newest[0] for number, name in enumerate(names) if (newest := values.get(f"q{number}"))}


def _query(identifier: str, queue: str) -> dict[str, Any]:
    metric = {"Namespace": NAMESPACE, "MetricName": METRIC, "Dimensions": [{"Name": "QueueName", "Value": queue}]}
    return {"Id": identifier, "MetricStat": {"Metric": metric, "Period": PERIOD, "Stat": "Maximum"}}
