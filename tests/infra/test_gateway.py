"""What API Gateway answers by itself is a problem like any other."""

from __future__ import annotations

import json

import pytest

from chalicelib.api import bodies
from chalicelib.api.schemas import PROBLEM
from infra import cloudformation, gateway


@pytest.fixture(scope="module")
def responses() -> dict:
    return json.loads(json.dumps(cloudformation.template()))["Resources"][cloudformation.API]["Properties"][
        "GatewayResponses"
    ]


def test_every_answer_of_the_gateway_is_a_problem(responses: dict):
    assert {"MISSING_AUTHENTICATION_TOKEN", "DEFAULT_4XX", "DEFAULT_5XX"} <= set(responses)
    for name, response in responses.items():
        body = json.loads(response["ResponseTemplates"]["application/json"])
        assert bodies.errors_of(body, PROBLEM) == [], name
        assert body["status"] == response["StatusCode"], name
        headers = response["ResponseParameters"]["Headers"]
        assert headers["Content-Type"] == "'application/problem+json'", name
        assert all(text.count("'") == 2 for text in headers.values()), "one literal each"


def test_an_unknown_path_is_not_found_whatever_the_gateway_calls_it(responses: dict):
    for name in ("MISSING_AUTHENTICATION_TOKEN", "INVALID_SIGNATURE", "ACCESS_DENIED", "DEFAULT_4XX"):
        assert responses[name]["StatusCode"] == 404


def test_the_bodies_take_nothing_from_the_request(responses: dict):
    assert all("$" not in response["ResponseTemplates"]["application/json"] for response in responses.values())


def test_the_one_machine_stack_says_the_same():
    from app import app
    from infra.local.web import Gateway

    for headers in ({}, {"Authorization": "Token x"}):
        status, fields, body = Gateway(app).handle("GET", "/nothing/here", headers)
        assert (status, body.decode()) == (404, gateway.UNKNOWN.body())
        assert dict(fields) == gateway.UNKNOWN.headers()
