"""The one place that builds AWS clients and knows the names of the deployment.

Environment: ``GOODMAN_BUCKET``, ``GOODMAN_TABLE_PREFIX``; ``AWS_ENDPOINT_URL`` (boto's own) points everything at the
one-machine stack. Clients are made on first use and kept for the life of the process (a warm Lambda).
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

REGION = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"

_RETRIES = Config(retries={"mode": "standard", "max_attempts": 4}, max_pool_connections=20)
_DYNAMODB_CONFIG = Config(
    connect_timeout=2, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 3}, max_pool_connections=20
)
"""Bounded, so that a write is done or given up within a time readers of events can wait for (store/events.py)."""


def bucket() -> str:
    """Name of the bucket that holds every frame and product."""
    return os.environ.get("GOODMAN_BUCKET", "goodman-live")


def table_prefix() -> str:
    """What every table's name begins with."""
    return os.environ.get("GOODMAN_TABLE_PREFIX", "goodman-")


def table_name(table: str) -> str:
    """Full name of a table of design §5, for example ``goodman-files``."""
    return table_prefix() + table


def endpoint_url() -> str | None:
    """Where AWS is, if not at AWS (the one-machine stack)."""
    return os.environ.get("AWS_ENDPOINT_URL") or None


@cache
def _client(service: str, endpoint: str | None, config: Config) -> Any:
    return boto3.client(service, region_name=REGION, endpoint_url=endpoint, config=config)


def dynamodb() -> Any:
    """Low-level DynamoDB client."""
    return _client("dynamodb", endpoint_url(), _DYNAMODB_CONFIG)


def s3() -> Any:
    """S3 client (signature version 4: presigned URLs carry it)."""
    return _client("s3", endpoint_url(), _S3_CONFIG)


def sqs() -> Any:
    """SQS client."""
    return _client("sqs", endpoint_url(), _RETRIES)


def ses() -> Any:
    """SES client; a request waits for it, so it is bounded as DynamoDB's is."""
    return _client("ses", endpoint_url(), _DYNAMODB_CONFIG)


def cloudwatch() -> Any:
    """CloudWatch client; what it knows is only shown, so nobody waits long for it and it is asked once."""
    return _client("cloudwatch", endpoint_url(), _CLOUDWATCH_CONFIG)


_CLOUDWATCH_CONFIG = Config(connect_timeout=0.5, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1})
_S3_CONFIG = _RETRIES.merge(Config(signature_version="s3v4", s3={"addressing_style": "path"}))


def forget() -> None:
    """Drop all clients (tests that change the endpoint or the mocked account)."""
    _client.cache_clear()
