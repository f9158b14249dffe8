"""Every command that docs/operations.md shows works, and what it says of the system is so."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from chalicelib.domain import topology
from infra import alarms
from infra.operate.__main__ import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "operations.md").read_text()
PROGRAM = ".venv/bin/python -m infra.operate "
SHOWN = [
    line.removeprefix(PROGRAM)
    for block in re.findall(r"^```\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]


def test_only_this_program_is_shown_in_blocks():
    assert SHOWN and not [line for line in SHOWN if line.startswith(".venv")]
    assert {line.split()[0] for line in SHOWN} == {"--help", *COMMANDS}


@pytest.mark.parametrize("line", SHOWN)
def test_the_command_works(failed_night, operate, line, monkeypatch):
    """On a night with failures: 0, and no traceback."""
    monkeypatch.setenv("GOODMAN_PAGE", "https://goodman.example.org/")
    answer = operate(*shlex.split(line))
    assert answer.code == 0, answer.out + answer.err
    assert answer.out.strip()


def test_every_function_is_explained():
    functions = json.loads((ROOT / ".chalice" / "config.json").read_text())["lambda_functions"]
    told = re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\| (`[^|]*) \|", TEXT, flags=re.MULTILINE)))
    assert set(told) == set(functions)


def test_the_alarms_are_those_of_the_deployment():
    told = set(re.findall(r"^\| `(goodman-live-\S+)` \|", TEXT, flags=re.MULTILINE))
    blocks = {f"goodman-live-{block.name}-age" for block in topology.BLOCKS}
    assert told - {"goodman-live-<block>-age"} | blocks == set(alarms.names())
    assert f"`{alarms.TOPIC_NAME}`" in TEXT


def test_the_numbers_are_those_of_the_code():
    assert f"fewer than {topology.BULK_UNDER_WAY} messages" in TEXT
    assert f"one turn every {topology.BULK_TURN} s" in TEXT
    assert topology.COMBINE.bulk_share == 1
    rate = topology.BULK_UNDER_WAY / topology.BULK_TURN
    assert f"at most {rate:g} frames a\nsecond, {rate * 3600:,.0f} an hour" in TEXT
    assert f"longer than {alarms.OLD_SECONDS // 60} minutes" in TEXT
    assert "after 2, 8 and 30 s" in TEXT and topology.BACK_OFF == (2, 8, 30)
    assert f"take at most {sum(block.concurrency for block in topology.BLOCKS)} at once" in TEXT


def test_every_heading_that_is_pointed_at_is_there():
    headings = {re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.+)$", TEXT, re.M)}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings
