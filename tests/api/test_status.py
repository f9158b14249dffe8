"""``GET /``: how much waits in the queues, and for how long."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.api import status
from chalicelib.domain import topology
from chalicelib.store import clients, clock, queue_ages, queues
from tests.api.client import Api

NOW = datetime(2026, 11, 22, 3, 14, 15, tzinfo=UTC).timestamp()
NAMES = [block.name for block in topology.PIPELINE]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    """Sets the clock to so many seconds after NOW."""

    def move(seconds: float) -> None:
        monkeypatch.setattr(clock, "now", lambda: NOW + seconds)

    move(0)
    status.forget()
    yield move
    status.forget()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The queues CloudWatch was asked about, a list for each call."""
    calls: list[list[str]] = []
    original = queue_ages.oldest

    def oldest(names: Any, **options: Any) -> dict[str, float]:
        calls.append(list(names))
        return original(calls[-1], **options)

    monkeypatch.setattr(queue_ages, "oldest", oldest)
    return calls


def tell(block: str, age: float, seconds: float = 0) -> None:
    """Have CloudWatch know an age, as SQS said it so many seconds after NOW."""
    clients.cloudwatch().put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "ApproximateAgeOfOldestMessage",
                "Dimensions": [{"Name": "QueueName", "Value": topology.BLOCK[block].queue}],
                "Timestamp": datetime.fromtimestamp(NOW + seconds, UTC),
                "Value": age,
                "Unit": "Seconds",
            }
        ],
    )


def shown(api: Api) -> dict[str, Any]:
    return api.json("/", None)


def test_the_newest_age_of_each_queue_with_messages_is_shown(api: Api, at, asked):
    for block, age in (("reduce", 900), ("extract", 30), ("wavelength", 7)):
        tell(block, age, -200)
    tell("reduce", 41.4, -70)
    queues.send("reduce", "frame#1")
    queues.send("extract", "frame#2")
    body = shown(api)
    assert body["queues"] == {**dict.fromkeys(NAMES, 0), "reduce": 1, "extract": 1}
    assert body["ages"] == {**dict.fromkeys(NAMES), "reduce": 41, "extract": 30}
    assert asked == [[block.queue for block in topology.PIPELINE]]


def test_an_old_value_is_no_value(api: Api, at):
    tell("reduce", 12, -600)
    queues.send("reduce", "frame#1")
    assert shown(api)["ages"] == dict.fromkeys(NAMES)


def test_cloudwatch_is_not_asked_about_empty_queues(api: Api, at, asked):
    assert shown(api)["ages"] == dict.fromkeys(NAMES)
    assert asked == []


def test_cloudwatch_is_asked_twice_a_minute(api: Api, at, asked):
    queues.send("ingest", "frame#1")
    for seconds in (0, 10, 29, 30, 45, 61):
        at(seconds)
        tell("ingest", 100 + seconds, seconds)
        age = shown(api)["ages"]["ingest"]
        assert age == (100 if seconds < 30 else 130 if seconds < 60 else 161)
    assert len(asked) == 3


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDenied"}}, "GetMetricData"),
        ReadTimeoutError(endpoint_url="https://monitoring"),
    ],
    ids=["refused", "slow"],
)
def test_without_cloudwatch_the_ages_are_missing_and_nothing_else(api: Api, at, error, monkeypatch):
    calls = []

    def refuse(*_: Any, **__: Any) -> None:
        calls.append(1)
        raise error

    monkeypatch.setattr(queue_ages, "oldest", refuse)
    queues.send("reduce", "frame#1")
    for seconds in (0, 20):
        at(seconds)
        body = shown(api)
        assert (body["queues"]["reduce"], body["ages"]) == (1, dict.fromkeys(NAMES))
    assert len(calls) == 1, "a refusal is kept too: it must not delay every request"


def test_nobody_waits_long_for_cloudwatch(monkeypatch):
    """An address that takes a request and says nothing costs a second, once."""
    import time

    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        assert queue_ages.of_blocks() == dict.fromkeys(NAMES)
        assert time.monotonic() - start < 4  # the client is made in that time, too
