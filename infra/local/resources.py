"""What the deployment's template makes in the cloud, made in moto: bucket, queues, notifications, tables, mail."""

from __future__ import annotations

import itertools
import json
from typing import Any

import boto3

from chalicelib.domain import topology
from chalicelib.store import clients, mail, tables
from infra import site

LOST_QUEUE = topology.UNDELIVERABLE_QUEUE
"""Where a message ends that nobody could handle; nothing reads it, the stack counts it."""

RETENTION = 14 * 86400


def create_all() -> None:
    """Create everything the system needs; what exists already is left as it is."""
    tables.create_all()
    arns = create_queues()
    create_bucket(arns)
    _client("ses").verify_email_identity(EmailAddress=mail.LOCAL_SENDER)


def create_queues() -> dict[str, str]:
    """Create every block's queue and those of dead letters; block name → queue ARN."""
    made = {LOST_QUEUE: _create_queue(LOST_QUEUE, {})}
    for block in sorted(topology.BLOCKS, key=lambda block: block is not topology.DEADLETTER):
        made[block.queue] = _create_queue(block.queue, _attributes(block, made[block.dead_letter_queue]))
    return {block.name: made[block.queue] for block in topology.BLOCKS}


def _attributes(block: topology.Block, dead_letters: str) -> dict[str, str]:
    redrive = {"deadLetterTargetArn": dead_letters, "maxReceiveCount": block.max_receives}
    return {"VisibilityTimeout": str(block.visibility_timeout), "RedrivePolicy": json.dumps(redrive)}


def _create_queue(name: str, attributes: dict[str, str]) -> str:
    client = clients.sqs()
    url = client.create_queue(QueueName=name, Attributes={"MessageRetentionPeriod": str(RETENTION)} | attributes)
    arn = client.get_queue_attributes(QueueUrl=url["QueueUrl"], AttributeNames=["QueueArn"])
    return arn["Attributes"]["QueueArn"]


def create_bucket(queue_arns: dict[str, str]) -> None:
    """Create the versioned bucket whose prefixes notify the blocks' queues.

    Raises
    ------
    ValueError
        One prefix begins with another: S3 refuses such a configuration, moto would send two events.
    """
    prefixes = sorted(prefix for block in topology.BLOCKS for prefix in block.prefixes)
    for shorter, longer in itertools.pairwise(prefixes):
        if longer.startswith(shorter):
            raise ValueError(f"the prefixes {shorter} and {longer} overlap; S3 allows one queue per object")
    client, bucket = clients.s3(), clients.bucket()
    if bucket not in {entry["Name"] for entry in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    notifications = [
        {
            "Id": f"{block.name}-{number}",
            "QueueArn": queue_arns[block.name],
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}},
        }
        for block in topology.BLOCKS
        for number, prefix in enumerate(block.prefixes)
    ]
    client.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": notifications}
    )
    client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": _cross_origin_rules()})


def _cross_origin_rules() -> list[dict[str, Any]]:
    """The template's, in the words of the S3 API; the page gets its port only later, so any page may ask."""
    words = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}
    return [{words.get(name, name): what for name, what in rule.items()} for rule in site.cross_origin_rules(["*"])]


def queue_url(name: str) -> str:
    """The URL of a queue by its name."""
    return clients.sqs().get_queue_url(QueueName=name)["QueueUrl"]


def _client(service: str) -> Any:
    return boto3.client(service, region_name=clients.REGION, endpoint_url=clients.endpoint_url())
