"""What is made for one download goes by itself, and nothing else does; PACK may write nothing but that."""

from __future__ import annotations

import json
from pathlib import Path

from chalicelib.domain.topology import EXPORTS, PACK
from infra import cloudformation

ROOT = Path(__file__).resolve().parents[2]


def test_only_exports_expire():
    bucket = cloudformation.template()["Resources"]["FramesBucket"]["Properties"]
    rules = bucket["LifecycleConfiguration"]["Rules"]
    erasing = [r for r in rules if set(r) & {"ExpirationInDays", "NoncurrentVersionExpiration", "ExpirationDate"}]
    assert [r["Prefix"] for r in erasing] == [EXPORTS]
    assert (erasing[0]["ExpirationInDays"], erasing[0]["NoncurrentVersionExpiration"]) == (1, {"NoncurrentDays": 1})
    assert all(rule["Status"] == "Enabled" for rule in rules)
    assert len({rule["Id"] for rule in rules}) == len(rules)


def test_pack_writes_only_exports_and_its_jobs():
    statements = json.loads((ROOT / ".chalice" / "policy-pack.json").read_text())["Statement"]
    allowed = [(action, s["Resource"]) for s in statements for action in s["Action"] if s["Effect"] == "Allow"]
    writing = [(a, r) for a, r in allowed if a.split(":")[1].startswith(("Put", "Update", "Delete", "Abort", "Send"))]
    for action, resources in writing:
        (resource,) = resources if isinstance(resources, list) else [resources]
        wanted = {
            "s3": f"/{EXPORTS}*",
            "dynamodb": "table/goodman-jobs",
            "sqs": PACK.queue,
            "logs": "*",
        }[action.split(":")[0]]
        assert resource.endswith(wanted), (action, resource)
    assert not any("*" in action for action, _ in allowed)
