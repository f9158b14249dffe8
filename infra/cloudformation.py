"""What `chalice package` does not make: bucket, queues, tables and layers, as a template that it merges into its own.

Everything follows from the table of blocks and the models of the tables, so the cloud, the one-machine stack and the
code cannot disagree.
"""

from __future__ import annotations

from typing import Any

from chalicelib.domain import topology
from chalicelib.domain.topology import BLOCKS, Block
from chalicelib.store import tables
from infra import alarms, gateway, site

RETENTION = 14 * 86400
"""Seconds a message may wait in a queue: the longest SQS knows."""

UNDELIVERABLE = "UndeliverableQueue"
API_FUNCTION = "APIHandler"
API = "RestAPI"
SWEEP_FUNCTION = "Sweep"
PURGE_FUNCTION = "Purge"
REFERENCE_PATH = "/opt/reference"
BUCKET_NAME = {"Fn::Sub": "goodman-live-${AWS::AccountId}-${AWS::Region}"}

PAGE_ORIGINS = "PageOrigins"
"""Parameter of the template."""

Resource = dict[str, Any]


def template() -> dict[str, Any]:
    """The template to be merged. Paths of layers are relative to ``build/package``."""
    resources: dict[str, Resource] = {
        **_queues(),
        "FramesBucket": _bucket(),
        **_tables(),
        **_layers(),
        **_functions(),
        API: {"Properties": {"GatewayResponses": gateway.responses()}},
        **alarms.resources(),
    }
    return {"Parameters": _parameters(), "Resources": resources, "Outputs": alarms.outputs()}


def _parameters() -> dict[str, Any]:
    return {
        PAGE_ORIGINS: {
            "Type": "CommaDelimitedList",
            "Default": "*",
            "Description": "Origins of the web page (https://goodman.example.org): they may use presigned addresses",
        }
    }


def function_name(block: Block) -> str:
    """The logical name `chalice package` gives to a block's function."""
    return block.name.title().replace("_", "")


def queue_name(block: Block) -> str:
    """The logical name of a block's queue."""
    return f"{function_name(block)}Queue"


def table_resource(model: type[Any]) -> str:
    """The logical name of a table."""
    return f"{model.__name__}Table"


def _queues() -> dict[str, Resource]:
    logical = {block.queue: queue_name(block) for block in BLOCKS} | {topology.UNDELIVERABLE_QUEUE: UNDELIVERABLE}
    resources: dict[str, Resource] = {
        UNDELIVERABLE: {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": topology.UNDELIVERABLE_QUEUE,
                "MessageRetentionPeriod": RETENTION,
                "SqsManagedSseEnabled": True,
            },
        }
    }
    for block in BLOCKS:
        resources[queue_name(block)] = {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": block.queue,
                "MessageRetentionPeriod": RETENTION,
                "VisibilityTimeout": block.visibility_timeout,
                "SqsManagedSseEnabled": True,
                "RedrivePolicy": {
                    "deadLetterTargetArn": _arn(logical[block.dead_letter_queue]),
                    "maxReceiveCount": block.max_receives,
                },
            },
        }
    resources["QueuePolicy"] = {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [{"Ref": queue_name(block)} for block in BLOCKS if block.prefixes],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "s3.amazonaws.com"},
                        "Action": "sqs:SendMessage",
                        "Resource": "*",
                        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
                    }
                ],
            },
        },
    }
    return resources


def _bucket() -> Resource:
    notifications = [
        {
            "Event": "s3:ObjectCreated:*",
            "Queue": _arn(queue_name(block)),
            "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": prefix}]}},
        }
        for block in BLOCKS
        for prefix in block.prefixes
    ]
    return {
        "Type": "AWS::S3::Bucket",
        "DependsOn": ["QueuePolicy"],
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "BucketName": BUCKET_NAME,
            "VersioningConfiguration": {"Status": "Enabled"},
            "LifecycleConfiguration": {"Rules": _lifecycle()},
            "PublicAccessBlockConfiguration": dict.fromkeys(
                ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
            ),
            "NotificationConfiguration": {"QueueConfigurations": notifications},
            "CorsConfiguration": {"CorsRules": site.cross_origin_rules({"Ref": PAGE_ORIGINS})},
        },
    }


def _lifecycle() -> list[dict[str, Any]]:
    """What was made for one download goes after a day, and uploads in parts that nobody ended; nothing else, ever."""
    exports = {"Prefix": topology.EXPORTS, "Status": "Enabled"}
    return [
        {
            "Id": "exports",
            **exports,
            "ExpirationInDays": 1,
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        },
        {"Id": "exports-markers", **exports, "ExpiredObjectDeleteMarker": True},
        {
            "Id": "unfinished-uploads",
            "Status": "Enabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        },
    ]


def _tables() -> dict[str, Resource]:
    return {
        table_resource(model): {
            "Type": "AWS::DynamoDB::Table",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": tables.create_table_arguments(model)
            | {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
            | (_EXPIRING if model in (tables.Identity, tables.Counter, tables.Token, tables.Job) else {}),
        }
        for model in tables.MODELS
    }


_EXPIRING = {"TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True}}
"""Kept answers, counts of requests and guesses, sessions and links go by themselves; nothing else has the attribute."""


def _layers() -> dict[str, Resource]:
    return {
        f"{name.title()}Layer": {
            "Type": "AWS::Serverless::LayerVersion",
            "Properties": {
                "LayerName": f"goodman-live-{name}",
                "ContentUri": f"../layers/{name}",
                "CompatibleRuntimes": ["python3.13"],
                "CompatibleArchitectures": ["x86_64"],
                "RetentionPolicy": "Delete",
            },
        }
        for name in ("science", "reference")
    }


def _functions() -> dict[str, Resource]:
    """What is added to chalice's functions: the bucket's name, the layers, and the queue to be there before."""
    bucket = {"Properties": {"Environment": {"Variables": {"GOODMAN_BUCKET": BUCKET_NAME}}}}
    functions: dict[str, Resource] = dict.fromkeys((API_FUNCTION, SWEEP_FUNCTION, PURGE_FUNCTION), bucket)
    for block in BLOCKS:
        variables = {"GOODMAN_BUCKET": BUCKET_NAME, "GOODMAN_REFERENCE": REFERENCE_PATH}
        properties: dict[str, Any] = {"Environment": {"Variables": variables}}
        if block.science:
            properties["Layers"] = [{"Ref": "ScienceLayer"}, {"Ref": "ReferenceLayer"}]
        functions[function_name(block)] = {"DependsOn": [queue_name(block)], "Properties": properties}
    return functions


def _arn(name: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, "Arn"]}
