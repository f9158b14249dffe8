"""The examples of docs/api.md are executed, section by section, against a running local API.

A fence of ``bash`` is run as it stands (``set -eu -o pipefail``) in an empty folder, one of ``python`` with ``API``,
``KEY`` and ``STAFF`` defined. A fence of ``json`` right after it is the answer: what it shows must be there; ``"…"``
stands for anything (in an object as ``"…": "…"``, at the end of a list). Variables: ``$API``, ``$KEY`` (the PI of
SOAR2026B-014), ``$STAFF``, ``$FILE`` (a raw frame with its object), ``$SPECTRUM`` (its wavelength-calibrated spectrum),
``$PROPOSAL``, ``$COLLABORATOR`` (their ids).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.api import matrix
from tests.filing import file, record

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "api.md"
ANYTHING = "…"
NIGHT = 20261109
PRELUDE = 'import os\nAPI, KEY, STAFF = (os.environ[name] for name in ("API", "KEY", "STAFF"))\n'


@dataclass(frozen=True)
class Example:
    """A fence to run, and the answer shown under it."""

    language: str
    text: str
    answer: str | None

    def command(self) -> list[str]:
        """The program that runs it."""
        if self.language == "python":
            return [sys.executable, "-c", PRELUDE + self.text]
        return ["bash", "-eu", "-o", "pipefail", "-c", self.text]


def sections() -> dict[str, list[Example]]:
    """Heading → its examples."""
    found: dict[str, list[Example]] = {}
    for part in re.split(r"^## ", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        fences = re.findall(
            r"^```(bash|python)\n(.*?)^```\n(?:```json\n(.*?)^```)?", part, flags=re.MULTILINE | re.DOTALL
        )
        if fences:
            found[part.splitlines()[0]] = [Example(language, text, answer or None) for language, text, answer in fences]
    return found


SECTIONS = sections()


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    """A running API with files and people; the environment of the examples."""
    from chalicelib.store import clients, fixtures, queues, ratelimit
    from infra.local import environment, resources
    from infra.local.moto_server import MotoServer
    from infra.local.web import WebServer

    before = dict(os.environ)
    moto = MotoServer()
    environment.configure(moto.url, "goodman-doc")
    clients.forget()
    queues.forget()
    ratelimit.forget()
    server = None
    try:
        from app import app

        resources.create_all()
        tokens = fixtures.seed_fixture_accounts()
        there = matrix.given()
        frame = record(NIGHT, 2, obstype="SPECTRUM", object="SN 2026abc")
        spectrum = record(
            NIGHT, 3, obstype="SPECTRUM", object="SN 2026abc", data_type="4", original_file_id=frame["id"]
        )
        file(frame, spectrum, record(NIGHT, 1, obstype="ARC"))
        card = "{:<80}".format
        header = "".join(
            map(
                card,
                (
                    "SIMPLE  =                    T",
                    "BITPIX  =                    8",
                    "NAXIS   =                    0",
                    "END",
                ),
            )
        )
        for filed in (frame, spectrum):
            clients.s3().put_object(Bucket=clients.bucket(), Key=filed["key"], Body=f"{header:<2880}".encode())
        server = WebServer(app, Path("/nonexistent"), 0, lambda _: None)
        yield {
            "API": server.api.rstrip("/"),
            "KEY": tokens["pi"],
            "STAFF": tokens["staff"],
            "FILE": str(frame["id"]),
            "SPECTRUM": str(spectrum["id"]),
            "PROPOSAL": str(there.proposal),
            "COLLABORATOR": str(there.users["collaborator"]),
        }
    finally:
        if server is not None:
            server.stop()
        moto.stop()
        os.environ.clear()
        os.environ.update(before)
        clients.forget()
        queues.forget()


def assert_shown(shown: Any, came: Any, where: str = "") -> None:
    """What the document shows of an answer is what came."""
    if shown == ANYTHING:
        return
    if isinstance(shown, dict):
        assert isinstance(came, dict), where
        more = shown.get(ANYTHING) == ANYTHING
        wanted = {name: value for name, value in shown.items() if name != ANYTHING}
        assert set(wanted) <= set(came) if more else set(wanted) == set(came), f"{where}: {sorted(came)}"
        for name, value in wanted.items():
            assert_shown(value, came[name], f"{where}/{name}")
    elif isinstance(shown, list):
        assert isinstance(came, list), where
        wanted = shown[:-1] if shown and shown[-1] == ANYTHING else shown
        assert len(came) >= len(wanted) if wanted is not shown else len(came) == len(wanted), f"{where}: {came}"
        for number, (value, one) in enumerate(zip(wanted, came)):
            assert_shown(value, one, f"{where}/{number}")
    else:
        assert shown == came, where


@pytest.mark.parametrize("section", SECTIONS)
def test_the_examples_do_what_they_say(section: str, variables: dict[str, str], tmp_path: Path):
    for example in SECTIONS[section]:
        done = subprocess.run(
            example.command(), cwd=tmp_path, env=os.environ | variables, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{example.text}\n{done.stdout}\n{done.stderr}"
        if example.answer is not None:
            assert_shown(json.loads(example.answer), json.loads(done.stdout))


def test_every_shell_example_is_run():
    """A fence that is neither run nor an answer would be an example nobody checks."""
    text = DOCUMENT.read_text(encoding="utf-8")
    kinds = re.findall(r"^```(\w*)$", text, flags=re.MULTILINE)
    assert kinds.count("bash") + kinds.count("python") == sum(map(len, SECTIONS.values()))
    answers = sum(example.answer is not None for examples in SECTIONS.values() for example in examples)
    assert kinds.count("json") == answers
    assert set(kinds) <= {"", "bash", "python", "json"}
