"""A moto server in this process, patched as the one-machine stack patches it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from infra.local import environment
from infra.local.moto_server import MotoServer

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[MotoServer]:
    """The server; this process's environment points at it as long as the test runs."""
    from chalicelib.store import clients, queues

    before = dict(os.environ)
    server = MotoServer()
    environment.configure(server.url, "goodman-test")
    clients.forget()
    queues.forget()
    yield server
    server.stop()
    os.environ.clear()
    os.environ.update(before)
    clients.forget()
    queues.forget()


def client(service: str, server: MotoServer, **config: Any) -> Any:
    """A client that shows every error at once instead of trying again."""
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=server.url,
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=32, read_timeout=30, **config),
    )


@pytest.fixture
def dynamodb(moto: MotoServer) -> Any:
    """DynamoDB with the table ``t`` (hash ``h``, range ``r``, both strings)."""
    made = client("dynamodb", moto)
    made.create_table(
        TableName="t",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in "hr"],
        KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
    )
    return made


@pytest.fixture
def sqs(moto: MotoServer) -> Any:
    """SQS without queues."""
    return client("sqs", moto)
