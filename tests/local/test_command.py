"""``python -m infra.local`` as a person uses it: sentences, exit codes, and no process left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.local.test_pump import alive, children, until

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments: object, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "infra.local", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def outcome(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def descendants(pid: int) -> list[int]:
    found = children(pid)
    return found + [grandchild for child in found for grandchild in descendants(child)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("process", "{missing}", "--out", "{out}"), "There is no folder"),
        (("process", "{file}", "--out", "{out}"), "is a file"),
        (("process", "{empty}", "--out", "{out}"), "There are no files in"),
        (("process", "{empty}", "--out", "{empty}"), "a folder of their own"),
        (("process", "{file_folder}", "--out", "{file}"), "cannot be written"),
        (("process", "{empty}"), "--out"),
        (("process", "{empty}", "--out", "{out}", "--workers", "none"), "not a number from 1 to 64"),
        (("run", "--interval", "0"), "must be between 0 and 3600"),
        (("run", "--interval", "soon"), "not a number of seconds"),
        (("run", "--seed", "x"), "x is not a whole number"),
        (("process", "{file_folder}", "--out", "{used}"), "products of an earlier run"),
        (("process", "{used}/reduced", "--out", "{used}", "--overwrite"), "would remove the raw frames"),
        (("run", "--mode", "no_such_mode"), "no_such_mode"),
        (("up", "--port", "99999"), "not a port number"),
        ((), "required"),
    ],
)
def test_wrong_usage_is_answered_with_a_sentence(tmp_path, arguments, sentence):
    (tmp_path / "empty").mkdir()
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "x").write_text("x")
    (tmp_path / "used" / "reduced").mkdir(parents=True)
    (tmp_path / "used" / "files.json").write_text("[]")
    names = {
        "missing": tmp_path / "missing",
        "empty": tmp_path / "empty",
        "file": tmp_path / "some" / "x",
        "file_folder": tmp_path / "some",
        "out": tmp_path / "out",
        "used": tmp_path / "used",
    }
    code, out, err = outcome(command(*(argument.format(**names) for argument in arguments)))
    assert code == 2
    assert sentence in err
    assert "Traceback" not in err
    assert out == ""


def test_a_folder_of_strangers_ends_in_sentences(tmp_path):
    """Not one FITS file: each ends rejected with a reason, two of one name both; only what cannot be read failed."""
    raw, out = tmp_path / "raw", tmp_path / "out"
    names = {"a/notes.txt": "one", "b/notes.txt": "two", "empty.fits": "", "new\nline é.txt": "three"}
    for place, content in names.items():
        (raw / place).parent.mkdir(parents=True, exist_ok=True)
        (raw / place).write_text(content)
    (raw / "gone.fits").symlink_to(tmp_path / "nowhere")
    code, text, err = outcome(command("process", raw, "--out", out, "--workers", 1, "--json"))
    assert "Traceback" not in err
    report = json.loads(text)
    assert {line["file"]: line["status"] for line in report["files"]} == {
        "a/notes.txt": "rejected",
        "b/notes.txt": "rejected",
        "empty.fits": "rejected",
        "gone.fits": "failed",
        "new%0Aline é.txt": "rejected",
    }
    assert all(len(line["reason"]) > 10 for line in report["files"])
    assert len({line["id"] for line in report["files"]}) == 5
    assert code == report["exit"] == 3
    assert report["problems"] == []
    records = json.loads((out / "files.json").read_text())
    assert {record["id"] for record in records} == {line["id"] for line in report["files"]} - {None}
    assert {record["path"] for record in records} == {None}  # no products
    assert next(row for row in report["blocks"] if row["block"] == "ingest")["n"] >= 3


@pytest.mark.parametrize("after", ["at once", "ready"])
def test_ctrl_c_ends_everything(after):
    process = command("up", "--json", "--port", 0, start_new_session=True)
    started: list[int] = []
    if after == "ready":
        assert process.stdout is not None
        json.loads(process.stdout.readline())
        started = descendants(process.pid)
        assert len(started) >= 2
    else:
        until(lambda: children(process.pid))  # in the middle of starting
        started = descendants(process.pid)
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group; people press twice
    code, _, err = outcome(process)
    assert code == 130
    assert "Traceback" not in err
    until(lambda: not any(alive(pid) for pid in started))


def test_up_prints_one_line_that_a_program_can_use():
    process = command("up", "--json", "--port", 0)
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        stack = json.loads(line)
        assert {"api", "web", "bucket", "s3", "tokens", "logins"} == set(stack)
        assert set(stack["tokens"]) == {"superuser", "staff", "pi", "collaborator", "stranger"}

        def get(path: str, role: str = "superuser") -> Any:
            headers = {"Authorization": f"Token {stack['tokens'][role]}"}
            with urllib.request.urlopen(urllib.request.Request(stack["api"] + path, headers=headers)) as answer:
                return json.load(answer)

        assert get("files/")["count"] == 0
        upload = urllib.request.Request(
            f"{stack['s3']}/{stack['bucket']}/raw/20180204/x.txt",
            data=b"hello",
            method="PUT",
            headers={"Content-Type": "text/plain"},
        )
        with urllib.request.urlopen(upload) as answer:
            assert answer.status == 200
        deadline = time.monotonic() + 60
        while not get("files/")["count"]:
            assert time.monotonic() < deadline
        (record,) = get("files/")["results"]
        assert (record["file_name"], record["status"]) == ("x.txt", "rejected")
        link = get(f"files/{record['id']}/download/")
        with urllib.request.urlopen(link["url"]) as answer:  # no token: the address is enough, from anywhere here
            assert answer.read() == b"hello"
        with urllib.request.urlopen(stack["web"]) as answer:
            assert b"<html" in answer.read().lower()
    finally:
        process.terminate()
        outcome(process)
