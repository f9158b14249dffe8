"""What staff are told about without looking: CloudWatch alarms that write to one SNS topic."""

from __future__ import annotations

from typing import Any

from chalicelib.domain import topology

TOPIC = "AlarmTopic"
TOPIC_NAME = "goodman-live-alarms"

OLD_SECONDS = 900
"""A message that waits longer than this is not on its way: a frame takes seconds, all attempts less than a minute."""

PERIOD = 300
"""Seconds an alarm looks back on; SQS counts anew every minute."""


def resources() -> dict[str, Any]:
    """The topic and the alarms."""
    alarms = {
        "UndeliverableAlarm": _alarm(
            "undeliverable",
            "A message could not be handled even as a dead letter. Run: python -m infra.operate redrive --dry-run",
            _of_queue(topology.UNDELIVERABLE_QUEUE, "ApproximateNumberOfMessagesVisible"),
            threshold=0,
        ),
        "SweepAlarm": _alarm(
            "sweep",
            "The sweep, which tells again what was left open, failed three times in five minutes.",
            {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": [_function("Sweep")], "Statistic": "Sum"},
            threshold=2,
        ),
    }
    for block in topology.BLOCKS:
        alarms[f"{block.name.title()}AgeAlarm"] = _alarm(
            f"{block.name}-age",
            f"A message has waited for {block.name.upper()} longer than {OLD_SECONDS // 60} minutes.",
            _of_queue(block.queue, "ApproximateAgeOfOldestMessage"),
            threshold=OLD_SECONDS,
        )
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": TOPIC_NAME}}
    return {TOPIC: topic, **alarms}


def outputs() -> dict[str, Any]:
    """What the deployment prints: where to subscribe."""
    return {"AlarmTopicArn": {"Value": {"Ref": TOPIC}}}


def names() -> list[str]:
    """The alarms' names, as CloudWatch shows them."""
    return [r["Properties"]["AlarmName"] for r in resources().values() if r["Type"] == "AWS::CloudWatch::Alarm"]


def _alarm(name: str, description: str, metric: dict[str, Any], *, threshold: float) -> dict[str, Any]:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": f"goodman-live-{name}",
            "AlarmDescription": description,
            **metric,
            "Period": PERIOD,
            "EvaluationPeriods": 1,
            "Threshold": threshold,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [{"Ref": TOPIC}],
            "OKActions": [{"Ref": TOPIC}],
        },
    }


def _of_queue(queue: str, metric: str) -> dict[str, Any]:
    return {
        "Namespace": "AWS/SQS",
        "MetricName": metric,
        "Dimensions": [{"Name": "QueueName", "Value": queue}],
        "Statistic": "Maximum",
    }


def _function(logical: str) -> dict[str, Any]:
    return {"Name": "FunctionName", "Value": {"Ref": logical}}
