"""Each function may do what it does to the tables: its policy is held against a night that is played through it.

The stand-in for AWS that the other tests use asks nobody for permission, so a missing one would show in the cloud only.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.topology import BLOCKS
from chalicelib.store import actions, clients, queues, subjects, wire
from tests.protocol.frames import NIGHT, frame_bytes, uploads
from tests.protocol.world import World

POLICIES = Path(__file__).parents[2] / ".chalice"
ACTIONS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}

Use = tuple[str, str]
"""An action and what it is done to."""


def uses(operation: str, arguments: dict[str, Any]) -> Iterator[Use]:
    """What an operation of DynamoDB needs the permission for."""
    if operation == "transact_write_items":
        for entry in arguments["TransactItems"]:
            for kind, body in entry.items():
                yield ACTIONS[kind], body["TableName"]
    elif operation == "batch_get_item":
        for table in arguments["RequestItems"]:
            yield "BatchGetItem", table
    else:
        index = f"/index/{arguments['IndexName']}" if "IndexName" in arguments else ""
        yield "".join(word.title() for word in operation.split("_")), arguments["TableName"] + index


def policy_of(function: str) -> list[tuple[str, str, str]]:
    """A function's policy as (Allow or Deny, action, pattern of resources)."""
    config = json.loads((POLICIES / "config.json").read_text())
    path = POLICIES / config["lambda_functions"][function]["iam_policy_file"]
    return [
        (statement["Effect"], action, resource)
        for statement in json.loads(path.read_text())["Statement"]
        for action in each(statement["Action"])
        for resource in each(statement["Resource"])
    ]


def each(one_or_many: str | list[str]) -> list[str]:
    return [one_or_many] if isinstance(one_or_many, str) else one_or_many


def is_allowed(use: Use, policy: list[tuple[str, str, str]]) -> bool:
    """As AWS decides: allowed somewhere, and denied nowhere."""
    action, what = use
    arn = f"arn:aws:dynamodb:us-east-1:123456789012:table/{what}"
    effects = {e for e, a, r in policy if fnmatchcase(f"dynamodb:{action}", a) and fnmatchcase(arn, r)}
    return effects == {"Allow"}


@pytest.fixture(scope="module")
def used() -> Iterator[dict[str, set[Use]]]:
    """What each function did, after a night in which everything happens."""
    with pytest.MonkeyPatch.context() as patches:
        yield played(patches)


def played(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[Use]]:
    world = World(monkeypatch)
    found: dict[str, set[Use]] = defaultdict(set)
    answer, swept = wire.call, [False]

    def call(operation: str, **arguments: Any) -> dict:
        message = world.handled.get(world.current)
        who = "sweep" if swept[0] else message.block if message is not None else "a person"
        found[who].update(uses(operation, arguments))
        return answer(operation, **arguments)

    def sweep() -> None:
        swept[0] = True
        try:
            world.sweep()
        finally:
            swept[0] = False

    def settle() -> None:
        world.drain()
        world.handled.clear()
        sweep()
        world.drain()
        world.handled.clear()

    monkeypatch.setattr(wire, "call", call)
    for key, data in uploads():
        world.upload(key, data)
    settle()
    raws = {r["file_name"]: r["id"] for r in world.rows("files") if r["data_type"] == "0"}
    arc = raws["0006 arc+1.fits"]
    spectrum = next(r["id"] for r in world.rows("files") if r["data_type"] == "3" and not r.get("retired"))
    actions.mark_bad(arc, "ann", "clouds")
    settle()
    actions.unmark_bad(arc, "ann")
    actions.delete(spectrum, "ann")
    actions.run_again(raws["0007_star.fits"], "reduce", "ann")
    settle()
    queues.send_bulk([subjects.frame_subject(i) for i in raws.values()], reprocess=True, actor="ann")
    queues.send_bulk([subjects.frame_subject(arc)], actor="ann")
    queues.send_bulk_night(NIGHT, actor="ann")
    settle()
    subjects.nudge(subjects.frame_subject(arc))  # and its message is lost
    sweep()
    world.queues.put("deadletter", json.dumps({"subject": subjects.frame_subject(arc)}))
    world.queues.put("deadletter", json.dumps({"key": f"raw/{NIGHT}/0006 arc+1.fits"}))
    world.upload(f"raw/{NIGHT}/0020_star.fits", frame_bytes("SPECTRUM", 20))
    (event,) = [m for m in world.messages if m.block == "ingest"]
    event.block = "deadletter"
    settle()
    assert not world.errors
    return found


def test_every_function_may_do_what_it_does(used):
    denied = {
        (function, *use) for function in used if function != "a person" for use in used[function]
        if not is_allowed(use, policy_of(function))
    }  # fmt: skip
    assert not denied


def test_the_night_asks_something_of_every_function(used):
    assert {block.name for block in BLOCKS} - {"pack"} <= set(used)
    assert ("UpdateItem", clients.table_name("subjects")) in used["sweep"]
    assert ("PutItem", clients.table_name("events")) in used["bulk"]
    assert all("PutItem" in {action for action, _ in used[name]} for name in ("ingest", "deadletter"))
    assert not any(action == "Scan" for name in used for action, _ in used[name] if name != "sweep")


def test_what_nobody_allowed_is_denied():
    policy = policy_of("bulk")
    assert is_allowed(("UpdateItem", clients.table_name("subjects")), policy)
    assert not is_allowed(("DeleteItem", clients.table_name("subjects")), policy)
    assert not is_allowed(("UpdateItem", clients.table_name("files")), policy)
