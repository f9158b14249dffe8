"""The template says what the code says."""

from __future__ import annotations

import itertools
import json

import pytest

from chalicelib.domain import topology
from chalicelib.store import tables
from infra import cloudformation


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
        assert queue["RedrivePolicy"]["maxReceiveCount"] == topology.MAX_RECEIVES


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
    assert named <= set(resources)
