"""The template says what the code says."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from chalicelib.domain import topology
from chalicelib.store import tables
from infra import cloudformation

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def resources() -> dict:
    return json.loads(json.dumps(cloudformation.template()))["Resources"]


def test_tables_are_the_models(resources: dict):
    made = {n: r["Properties"] for n, r in resources.items() if r.get("Type") == "AWS::DynamoDB::Table"}
    assert len(made) == len(tables.MODELS)
    for model in tables.MODELS:
        arguments = tables.create_table_arguments(model)
        resource = made[cloudformation.table_resource(model)]
        assert {name: resource[name] for name in arguments} == arguments
        used = {key["AttributeName"] for key in arguments["KeySchema"]}
        used |= {k["AttributeName"] for i in arguments.get("GlobalSecondaryIndexes", ()) for k in i["KeySchema"]}
        assert used == {d["AttributeName"] for d in arguments["AttributeDefinitions"]}, "CloudFormation refuses others"


def test_every_prefix_notifies_the_queue_of_its_block(resources: dict):
    configured = resources["FramesBucket"]["Properties"]["NotificationConfiguration"]["QueueConfigurations"]
    told = {c["Filter"]["S3Key"]["Rules"][0]["Value"]: c["Queue"]["Fn::GetAtt"][0] for c in configured}
    for block in topology.BLOCKS:
        for prefix in block.prefixes:
            assert resources[told[prefix]]["Properties"]["QueueName"] == block.queue
            assert {"Ref": told[prefix]} in resources["QueuePolicy"]["Properties"]["Queues"]
    for one, other in itertools.permutations(told, 2):
        assert not one.startswith(other), "S3 refuses prefixes that overlap"


def test_no_message_is_seen_twice_while_its_function_may_live(resources: dict):
    for block in topology.BLOCKS:
        queue = resources[cloudformation.queue_name(block)]["Properties"]
        assert queue["VisibilityTimeout"] >= block.lease > block.timeout
        assert queue["RedrivePolicy"]["maxReceiveCount"] == (8 if block.name == "deadletter" else 4)


def test_only_functions_with_arrays_carry_the_layers(resources: dict):
    for block in topology.BLOCKS:
        layers = resources[cloudformation.function_name(block)]["Properties"].get("Layers")
        assert bool(layers) is block.science
    assert "Layers" not in resources[cloudformation.API_FUNCTION]["Properties"]


def test_every_reference_is_to_something_there(resources: dict):
    def references(node):
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "Ref":
                    yield value
                elif key == "Fn::GetAtt":
                    yield value[0]
                else:
                    yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    named = {name for name in references(resources) if not name.startswith("AWS::")}
    assert named <= set(resources) | set(cloudformation.template()["Parameters"])


def test_every_message_that_fails_ends_where_a_person_looks(resources: dict):
    """Dead letters lead to the undeliverable, and those nowhere: no message goes in circles."""
    names = {name: r["Properties"]["QueueName"] for name, r in resources.items() if r.get("Type") == "AWS::SQS::Queue"}
    logical = {queue: name for name, queue in names.items()}
    for block in topology.BLOCKS:
        queue, seen = block.queue, []
        while redrive := resources[logical[queue]]["Properties"].get("RedrivePolicy"):
            seen.append(queue)
            queue = names[redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]]
            assert queue not in seen
        assert queue == topology.UNDELIVERABLE_QUEUE
    kept = resources[logical[topology.UNDELIVERABLE_QUEUE]]["Properties"]
    assert kept["MessageRetentionPeriod"] == 14 * 86400


def test_staff_are_told_of_undeliverable_and_of_old_messages(resources: dict):
    made = [r["Properties"] for r in resources.values() if r.get("Type") == "AWS::CloudWatch::Alarm"]
    watched = {(a["MetricName"], a["Dimensions"][0]["Value"]) for a in made if a["Namespace"] == "AWS/SQS"}
    assert ("ApproximateNumberOfMessagesVisible", topology.UNDELIVERABLE_QUEUE) in watched
    assert {("ApproximateAgeOfOldestMessage", block.queue) for block in topology.BLOCKS} <= watched
    for alarm in made:
        ((_, topic),) = alarm["AlarmActions"][0].items()
        assert resources[topic]["Type"] == "AWS::SNS::Topic"
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert len({alarm["AlarmName"] for alarm in made}) == len(made)


def test_no_alarm_rings_while_bulk_work_goes_its_way():
    """A message of bulk work is young: what is left is sent anew each turn."""
    from infra import alarms

    assert topology.BULK_PATIENCE + topology.BULK.visibility_timeout < alarms.OLD_SECONDS


def test_the_policy_of_bulk_work_is_narrow():
    statements = json.loads((ROOT / ".chalice" / "policy-bulk.json").read_text())["Statement"]
    allowed = {action for s in statements for action in s["Action"] if s["Effect"] == "Allow"}
    assert not {a for a in allowed if a.startswith("s3:")} - {"s3:ListBucket"}
    assert not {a for a in allowed if "Delete" in a} - {"sqs:DeleteMessage"}
    assert not any("*" in action for action in allowed)
    (receiving,) = [s for s in statements if "sqs:ReceiveMessage" in s["Action"]]
    assert receiving["Resource"] == [f"arn:*:sqs:*:*:{topology.BULK.queue}"]


def test_the_api_may_look_at_the_queues_it_shows():
    statements = json.loads((ROOT / ".chalice" / "policy-api.json").read_text())["Statement"]
    (counting,) = [s for s in statements if "sqs:GetQueueAttributes" in s["Action"]]
    assert set(counting["Action"]) == {"sqs:GetQueueAttributes", "sqs:GetQueueUrl"}
    assert counting["Resource"] == [f"arn:*:sqs:*:*:{block.queue}" for block in topology.PIPELINE]
    allowed = {action for s in statements for action in s["Action"] if s["Effect"] == "Allow"}
    assert {a for a in allowed if a.startswith("cloudwatch:")} == {"cloudwatch:GetMetricData"}
    assert not {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue"} & allowed


def test_nobody_but_purge_may_delete_objects_and_purge_never_raw():
    for path in sorted((ROOT / ".chalice").glob("policy-*.json")):
        statements = json.loads(path.read_text())["Statement"]
        deleting = [s for s in statements if s["Effect"] == "Allow" and any("s3:Delete" in a for a in s["Action"])]
        assert bool(deleting) is (path.name == "policy-purge.json"), path.name
        for statement in deleting:
            assert not any("/raw" in place or place.endswith("live*/*") for place in statement["Resource"])
    denied = [s for s in json.loads((ROOT / ".chalice" / "policy-purge.json").read_text())["Statement"]]
    assert any(s["Effect"] == "Deny" and s["Resource"].endswith("/raw/*") for s in denied)


def test_every_function_knows_its_bucket(resources: dict):
    functions = json.loads((ROOT / ".chalice" / "config.json").read_text())["lambda_functions"]
    for name in functions:
        logical = "APIHandler" if name == "api_handler" else name.title()
        variables = resources[logical]["Properties"]["Environment"]["Variables"]
        assert variables["GOODMAN_BUCKET"] == cloudformation.BUCKET_NAME
