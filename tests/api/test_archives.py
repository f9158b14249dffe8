"""Manifests and archives: what one takes away is what is there, all of it, and nothing else."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import zipfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.blocks import pack
from chalicelib.domain.topology import BACK_OFF, MAX_RECEIVES, PACK
from chalicelib.store import clients, exports, items, jobs, objects
from tests.api.client import Api, problem
from tests.api.observatory import messages
from tests.filing import file, record, refile

OTHERS = "SOAR2026B-021"


@pytest.fixture(autouse=True)
def _queue(api: Api) -> None:
    clients.sqs().create_queue(QueueName=PACK.queue)


def with_object(night: int, number: int, name: str, body: bytes = b"", **more) -> dict:
    """A published file whose object is there."""
    body = body or f"{night} {number}".encode() * 1000
    key = f"raw/{night}/{number}/{name}"
    clients.s3().put_object(Bucket=clients.bucket(), Key=key, Body=body)
    made = record(
        night, number, file_name=name, key=key, size=len(body), sha256=hashlib.sha256(body).hexdigest(), **more
    )
    file(made)
    return made


def some() -> list[dict]:
    """Files two of which have the same name but for its case, one a name that no shell likes."""
    return [
        with_object(20261121, 1, "0001_a.fits"),
        with_object(20261121, 2, "0001_A.fits"),
        with_object(20261120, 3, 'it\'s; rm -rf $HOME `x` "q".fits', object="M 31"),
        with_object(20261120, 4, "0004.fits.gz"),
    ]


def stored(record: dict) -> bytes:
    return clients.s3().get_object(Bucket=clients.bucket(), Key=record["key"])["Body"].read()


def ids(records: list[dict]) -> dict[str, list[int]]:
    return {"ids": [r["id"] for r in records]}


# ---- manifests


def test_a_manifest_names_each_file_once(api: Api):
    records = some()
    made = json.loads(api.post("/files/manifest", ids(records)).body)
    assert [f["id"] for f in made["files"]] == [r["id"] for r in records]
    names = [f["name"].lower() for f in made["files"]]
    assert len(set(names)) == len(names)
    assert f"0001_a_{records[0]['id']}.fits" == made["files"][0]["name"]
    assert (made["count"], made["bytes"]) == (4, sum(r["size"] for r in records))
    for shown, filed in zip(made["files"], records, strict=True):
        assert (shown["size"], shown["sha256"]) == (filed["size"], filed["sha256"])
        query = parse_qs(urlsplit(shown["url"]).query)
        assert int(query["X-Amz-Expires"][0]) <= 900
        assert shown["name"] in query["response-content-disposition"][0]


def test_a_selection_is_that_of_the_list(api: Api):
    records = some()
    for query in ("night=20261120", "first_night=20261121", "search=m%2031", "name=0001_a", "obstype=LAMPFLAT"):
        listed = {r["id"] for r in api.json(f"/files?{query}")["results"]}
        made = json.loads(api.post(f"/files/manifest?{query}", {}).body)
        assert {f["id"] for f in made["files"]} == listed, query
        assert listed <= {r["id"] for r in records} and listed


def test_a_selection_must_be_one_and_not_too_large(api: Api, monkeypatch: pytest.MonkeyPatch):
    from chalicelib.api import manifests

    records = some()
    problem(api.post("/files/manifest", {}), 422)
    problem(api.post("/files/manifest?night=20261120", ids(records)), 422)
    problem(api.post("/files/manifest?night=20200101", {}), 422)
    problem(api.post("/files/manifest", {"ids": list(range(1, 1002))}), 422)
    monkeypatch.setattr(manifests, "MOST_FILES", 3)
    assert "has 4 files" in problem(api.post("/files/manifest?obstype=LAMPFLAT", {}), 422)["detail"]
    monkeypatch.setattr(manifests, "MOST_BYTES", 10)
    assert "GB" in problem(api.post("/files/zip", ids(records)), 422)["detail"]


def test_nobody_takes_away_what_is_not_theirs(api: Api):
    mine, others = with_object(20261121, 1, "a.fits"), with_object(20261121, 2, "b.fits", proposal_id=OTHERS)
    for route in ("manifest", "zip"):
        hidden = problem(api.post(f"/files/{route}", ids([mine, others])), 404)["detail"]
        gone = problem(api.post(f"/files/{route}", {"ids": [2026112199999]}), 404)["detail"]
        assert hidden.replace(str(others["id"]), "N") == gone.replace("2026112199999", "N")
        problem(api.post(f"/files/{route}?proposal={OTHERS}", {}), 422)
    made = json.loads(api.post("/files/manifest?night=20261121", {}).body)
    assert [f["id"] for f in made["files"]] == [mine["id"]]
    assert messages(PACK.queue) == []


def test_checksums_are_those_of_sha256sum(api: Api, tmp_path: Path):
    records = some()
    text = api.post("/files/manifest?format=sha256", ids(records)).body
    for line, filed in zip(text.decode().splitlines(), records, strict=True):
        (tmp_path / line.split("  ", 1)[1]).write_bytes(stored(filed))
    (tmp_path / "sums").write_bytes(text)
    subprocess.run(["sha256sum", "--check", "--strict", "sums"], cwd=tmp_path, check=True, capture_output=True)


CURL = """#!/bin/sh
for word; do last=$word; done
while [ "$1" != --output ]; do shift; done
echo "$2" >> "$STORE/asked"
cp "$STORE/$(printf %s "${last%%\\?*}" | sha256sum | cut -c1-64)" "$2"
"""


def test_the_script_fetches_checks_and_goes_on(api: Api, tmp_path: Path):
    """Run with a curl that copies from a folder."""
    records = some()
    script = api.post("/files/manifest?format=curl", ids(records)).body.decode()
    made = json.loads(api.post("/files/manifest", ids(records)).body)
    store, here = tmp_path / "store", tmp_path / "here"
    store.mkdir(), here.mkdir()
    (store / "curl").write_text(CURL)
    (store / "curl").chmod(0o755)
    places = [store / hashlib.sha256(f["url"].split("?")[0].encode()).hexdigest() for f in made["files"]]
    for place, filed in zip(places, records, strict=True):
        place.write_bytes(stored(filed))

    def run() -> tuple[int, str]:
        environment = {"PATH": f"{store}:/usr/bin:/bin", "STORE": str(store), "HOME": str(tmp_path)}
        done = subprocess.run(["sh", "-s"], input=script, cwd=here, env=environment, capture_output=True, text=True)
        return done.returncode, done.stderr

    places[1].write_bytes(b"not what it should be")
    code, said = run()
    assert code == 1 and made["files"][1]["name"] in said
    assert {p.name for p in here.iterdir() if p.suffix != ".part"} == {
        f["name"] for f in made["files"] if f is not made["files"][1]
    }
    places[1].write_bytes(stored(records[1]))
    (store / "asked").unlink()
    assert run() == (0, "")
    assert (store / "asked").read_text().splitlines() == [f"{made['files'][1]['name']}.part"], "only what was missing"
    for shown, filed in zip(made["files"], records, strict=True):
        assert (here / shown["name"]).read_bytes() == stored(filed)


# ---- archives


def asked_for(api: Api, records: list[dict], role: str = "pi") -> tuple[str, dict]:
    """Ask for an archive; the job's id and the message PACK gets."""
    answer = api.post("/files/zip", ids(records), role)
    assert answer.status_code == 202, answer.body
    accepted = json.loads(answer.body)
    (message,) = messages(PACK.queue)
    assert message["job"] == accepted["job"]["id"]
    return accepted["job"]["id"], message


def archive(api: Api, job: str, role: str = "pi") -> zipfile.ZipFile:
    answer = api.json(f"/jobs/{job}/download", role)
    parts = urlsplit(answer["url"])
    assert int(parse_qs(parts.query)["X-Amz-Expires"][0]) <= 900
    key = parts.path.split(f"/{clients.bucket()}/", 1)[1]
    body = clients.s3().get_object(Bucket=clients.bucket(), Key=key)["Body"].read()
    return zipfile.ZipFile(io.BytesIO(body))


def test_an_archive_holds_the_files_and_their_checksums(api: Api):
    records = some()
    job, message = asked_for(api, records)
    problem(api.get(f"/jobs/{job}/download"), 409)
    assert pack.handle(json.dumps(message)) == ["done"]
    packed = archive(api, job)
    assert packed.testzip() is None
    *names, sums = packed.namelist()
    assert sums == "SHA256SUMS"
    assert [packed.read(name) for name in names] == [stored(r) for r in records]
    assert packed.read(sums).decode() == "".join(f"{r['sha256']}  {n}\n" for r, n in zip(records, names, strict=True))
    result = jobs.get(job)["result"]
    assert (result["count"], result["left_out"]) == (4, 0)
    assert "http" not in json.dumps(items.get("jobs", {"id": job})), "no signed address is kept"
    answer = api.get(f"/jobs/{job}/download?redirect=1")
    assert answer.status_code == 302 and "exports/" in answer.headers["Location"]


def test_a_message_that_comes_twice_changes_nothing(api: Api):
    job, message = asked_for(api, some())
    body = json.dumps(message)
    assert pack.handle(body) == ["done"]
    first = archive(api, job).fp.getvalue()
    assert pack.handle(body) == ["done already"]
    again = exports.pack(
        "exports/again.zip",
        "again.zip",
        [items.get("files", {"id": i}) for i in jobs.get(job)["selected"]],
        end=float("inf"),
    )
    assert again == len(first)
    made = clients.s3().get_object(Bucket=clients.bucket(), Key="exports/again.zip")["Body"].read()
    assert made == first, "a second run writes the same bytes"


def test_large_files_go_in_parts(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exports, "PART", 5 << 20)
    bodies = [hashlib.sha256(bytes([k])).digest() * (3 << 15) for k in range(4)]  # 3 MiB each
    records = [with_object(20261121, k + 1, f"{k}.fits", body) for k, body in enumerate(bodies)]
    sent: list[int] = []
    upload = exports.Upload._send
    monkeypatch.setattr(exports.Upload, "_send", lambda self, part: sent.append(len(part)) or upload(self, part))
    job, message = asked_for(api, records)
    assert pack.handle(json.dumps(message)) == ["done"]
    assert sent[:-1] == [5 << 20] * (len(sent) - 1) and len(sent) == 3
    packed = archive(api, job)
    assert [packed.read(name) for name in packed.namelist()[:-1]] == bodies


def unfinished() -> list:
    return clients.s3().list_multipart_uploads(Bucket=clients.bucket()).get("Uploads", [])


def test_what_was_deleted_meanwhile_is_left_out_and_what_is_gone_is_told(api: Api):
    records = some()
    job, message = asked_for(api, records)
    refile(records[0], deleted={"by": "pi", "at": "2026-11-22"})
    refile(records[1], proposal_id=OTHERS, scope=OTHERS)
    assert pack.handle(json.dumps(message)) == ["done"]
    assert len(archive(api, job).namelist()) == 3
    assert jobs.get(job)["result"]["left_out"] == 2
    clients.s3().delete_object(Bucket=clients.bucket(), Key=records[2]["key"])
    job, message = asked_for(api, records[2:])
    assert pack.handle(json.dumps(message)) == ["failed"]
    assert "is gone" in problem(api.get(f"/jobs/{job}/download"), 409)["detail"]
    assert unfinished() == []


def test_other_bytes_than_the_records_are_never_packed(api: Api):
    records = some()
    job, message = asked_for(api, records)
    clients.s3().put_object(Bucket=clients.bucket(), Key=records[3]["key"], Body=b"other bytes")
    assert pack.handle(json.dumps(message)) == ["failed"]
    assert "not what its record says" in jobs.get(job)["failure"]
    assert not exports.exists(exports.archive_key(job))


def test_an_error_is_tried_again_and_told_in_the_end(api: Api, monkeypatch: pytest.MonkeyPatch):
    records = some()
    job, message = asked_for(api, records)
    opened = objects.open_raw

    def broken(key: str, version: str | None = None):
        if key == records[2]["key"]:
            raise OSError("the connection broke")
        return opened(key, version)

    monkeypatch.setattr(objects, "open_raw", broken)
    delays: list[int] = []
    ask = exports.ask_for
    monkeypatch.setattr(
        exports, "ask_for", lambda job_id, *, tries, delay: delays.append(delay) or ask(job_id, tries=tries)
    )
    for _ in range(MAX_RECEIVES - 1):
        assert pack.handle(json.dumps(message)) == ["set back"]
        (message,) = messages(PACK.queue)
    assert delays == list(BACK_OFF)
    monkeypatch.setattr(objects, "open_raw", opened)
    assert pack.handle(json.dumps(message)) == ["done"], "the last try may still do it"
    monkeypatch.setattr(exports, "ask_for", ask)
    job, message = asked_for(api, records)
    monkeypatch.setattr(objects, "open_raw", broken)
    assert pack.handle(json.dumps({**message, "tries": MAX_RECEIVES - 1})) == ["failed"]
    assert jobs.get(job)["failure"] == pack.STOPPED
    assert unfinished() == [], "nothing is left behind"


def test_it_gives_up_before_the_function_ends(api: Api, monkeypatch: pytest.MonkeyPatch):
    job, message = asked_for(api, some())
    monkeypatch.setattr(pack, "RESERVE", PACK.timeout + 1.0)
    assert pack.handle(json.dumps(message)) == ["failed"]
    assert jobs.get(job)["failure"] == pack.SLOW


def test_an_archive_is_its_owners_and_is_gone_after_a_day(api: Api):
    job, message = asked_for(api, some())
    pack.handle(json.dumps(message))
    for role in ("collaborator", "stranger"):
        problem(api.get(f"/jobs/{job}/download", role), 404)
    assert api.get(f"/jobs/{job}/download", "staff").status_code == 200
    clients.s3().delete_object(Bucket=clients.bucket(), Key=exports.archive_key(job))
    problem(api.get(f"/jobs/{job}/download"), 410)
    problem(api.get("/jobs/unknown/download"), 404)
    other = jobs.create("reprocess", jobs.get(job)["user_id"], subjects=[])
    problem(api.get(f"/jobs/{other['id']}/download"), 404)


def test_asking_again_with_the_same_key_makes_one_archive(api: Api):
    records = some()
    headers = {"Idempotency-Key": "one"}
    answers = [api.post("/files/zip", ids(records), **headers) for _ in range(2)]
    assert answers[0].body == answers[1].body
    assert len(messages(PACK.queue)) == 1
