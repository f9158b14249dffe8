"""A night through `process` whose pump is killed in the middle ends as the undisturbed night."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from infra.simulate import build_night, small_night
from tests.local.test_command import command
from tests.local.test_pump import alive, children, until


def end_state(out: Path) -> list[tuple[Any, ...]]:
    """What must not depend on the kill: every file once, its bytes, its status."""
    records = json.loads((out / "files.json").read_text())
    fields = ("file_name", "data_type", "sha256", "status", "provisional", "status_reason")
    return sorted(tuple(record[field] for field in fields) for record in records)


def run(raw: Path, out: Path, *, kills: int) -> None:
    process = command("process", raw, "--out", out, "--json")
    for number in range(1, kills + 1):
        pump: list[int] = []
        until(lambda: pump or pump.extend(p for p in children(process.pid) if invocations(p) >= 25 * number), 300)
        os.kill(pump[0], signal.SIGKILL)
        until(lambda: not alive(pump[0]))
    text, err = process.communicate(timeout=1200)
    assert process.returncode == 0, err + text
    assert err.count("it is started again") == kills
    assert json.loads(text)["problems"] == []


def invocations(pump: int) -> int:
    """How many invocations a pump and those before it have logged; -1 for a process that is no pump."""
    try:
        words = Path(f"/proc/{pump}/cmdline").read_text().split("\0")
        return Path(words[words.index("--log") + 1]).read_text().count("\n")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return -1


@pytest.mark.long
def test_a_killed_pump_loses_nothing_and_doubles_nothing(tmp_path):
    """Takes minutes: what the dead workers held is hidden until its visibility timeout is over, as on AWS."""
    raw = tmp_path / "raw"
    build_night(raw, plan=small_night("930_M4", seed=3))
    run(raw, tmp_path / "clean", kills=0)
    run(raw, tmp_path / "killed", kills=2)
    assert end_state(tmp_path / "killed") == end_state(tmp_path / "clean")
