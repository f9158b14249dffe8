"""Lists, records, headers, downloads: what a script or the page gets."""

from __future__ import annotations

import gzip
from datetime import datetime
from urllib.request import Request

import pytest

from chalicelib.domain.records import MASTERS_SCOPE
from chalicelib.store import clients
from tests.api.client import Api, problem
from tests.filing import MANUAL_SAMPLE, file, record, refile

OTHERS = "SOAR2026B-021"


def test_a_record_has_the_manuals_fields_with_the_manuals_types(api: Api):
    filed = record(**{k: v for k, v in MANUAL_SAMPLE.items() if "id" not in k and "file" not in k})
    file(filed)
    (shown,) = api.json("/files?data_type=0")["results"]
    for name, sample in MANUAL_SAMPLE.items():
        assert name in shown
        if sample is not None:
            assert type(shown[name]) is type(sample), name
    for name in ("obstype", "gain", "cam_targ", "obsra", "saturation_value", "image_id", "normalized", "created"):
        assert shown[name] == MANUAL_SAMPLE[name]
    assert shown["observation_id"] is None
    assert list(shown)[: len(MANUAL_SAMPLE)] == list(MANUAL_SAMPLE), "the original's order first"
    assert shown["status"] == "done"
    assert shown["inputs"] == [{"role": "raw", "id": filed["id"]}]
    assert not {"key", "scope", "run_key"} & set(shown), "internals stay inside"
    datetime.fromisoformat(shown["created"])


def test_pages_hold_twenty_newest_first_and_link_to_each_other(api: Api):
    filed = [record(night, number) for night in (20261119, 20261120, 20261121) for number in range(1, 16)]
    file(*filed)
    expected = sorted((f["id"] for f in filed), reverse=True)
    first = api.json("/files?data_type=0&obstype=LAMPFLAT")
    assert (first["count"], first["previous"], len(first["results"])) == (45, None, 20)
    assert first["next"] == "https://spectra.example.org/api/files/?data_type=0&obstype=LAMPFLAT&page=2"
    second = api.follow(first["next"])
    third = api.follow(second["next"])
    assert third["next"] is None
    assert [f["id"] for page in (first, second, third) for f in page["results"]] == expected
    assert api.follow(third["previous"])["results"] == second["results"]


def test_both_forms_of_a_path_answer_alike(api: Api):
    filed = record()
    file(filed)
    for path in ("/files", f"/files/{filed['id']}"):
        assert api.json(path) == api.json(path + "/")
    assert api.json("/files?page=1") == api.json("/files/?page=1")


def test_a_filter_selects_and_several_values_add_up(api: Api):
    file(
        record(number=1, obstype="ARC", status="failed"),
        record(number=2, obstype="SPECTRUM", grating="930_SYZY"),
        record(number=3, obstype="SPECTRUM", data_type="2"),
        record(20261120, 1, obstype="BIAS"),
    )
    assert api.json("/files?obstype=ARC")["count"] == 1
    assert api.json("/files?obstype=ARC&obstype=SPECTRUM")["count"] == 3
    assert api.json("/files?obstype=SPECTRUM&data_type=2")["count"] == 1
    assert api.json("/files?status=failed&grating=930_SYZY")["count"] == 0
    assert api.json("/files?grating=never%20seen")["count"] == 0
    assert api.json("/files?night=2026-11-20")["count"] == 1
    assert api.json("/files?first_night=20261121")["count"] == 3
    assert api.json("/files?last_night=20261120")["results"][0]["obstype"] == "BIAS"
    assert api.json("/files?proposal=soar2026b-014")["count"] == 4
    assert api.json(f"/files?proposal={OTHERS}")["count"] == 0


def test_a_changed_or_retired_record_moves_its_counts(api: Api):
    filed = record(status="waiting")
    file(filed)
    done = refile(filed, status="done")
    assert api.json("/files?status=waiting")["count"] == 0
    assert api.json("/files?status=done")["count"] == 1
    refile(done, retired=True)
    assert api.json("/files")["count"] == 0
    problem(api.get(f"/files/{filed['id']}"), 404)


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        ("superuser", {1, 2, 3, 4}),
        ("staff", {1, 2, 3, 4}),
        ("pi", {1, 3}),
        ("collaborator", {1, 3}),
        ("stranger", {3}),
    ],
)
def test_everyone_sees_the_own_and_the_masters_and_staff_all(api: Api, role: str, sees: set[int]):
    filed = {
        1: record(number=1),
        2: record(number=2, proposal_id=OTHERS),
        3: record(number=3, data_type="1", scope=MASTERS_SCOPE),
        4: record(number=4, proposal_id=""),
    }
    file(*filed.values())
    listed = api.json("/files", role)
    assert listed["count"] == len(sees)
    assert {f["id"] % 100 for f in listed["results"]} == sees
    assert sum(api.json("/", role)["counts"].values()) == len(sees)
    for number, one in filed.items():
        for path in (f"/files/{one['id']}", f"/files/{one['id']}/download"):
            if number in sees:
                assert api.get(path, role).status_code == 200
            else:
                hidden = problem(api.get(path, role), 404)
                absent = problem(api.get(path.replace(str(one["id"]), "2026112199999"), role), 404)
                assert hidden["detail"].replace(str(one["id"]), "") == absent["detail"].replace("2026112199999", "")
        if number not in sees:
            problem(api.get(f"/files/header?id={one['id']}", role), 404)


def test_download_gives_a_link_to_the_very_bytes(api: Api):
    filed = record(file_name='0001 "odd"\r\nname.fits')
    file(filed)
    clients.s3().put_object(Bucket=clients.bucket(), Key=filed["key"], Body=b"the bytes")
    answer = api.json(f"/files/{filed['id']}/download")
    assert answer["sha256"] == filed["sha256"]
    assert datetime.fromisoformat(answer["expires"]).tzinfo is not None
    assert filed["key"] in answer["url"]
    assert "Signature" in Request(answer["url"]).selector
    assert "%0D" not in answer["url"]
    assert "%22odd%22" not in answer["url"]
    redirected = api.get(f"/files/{filed['id']}/download?redirect=1")
    assert redirected.status_code == 302
    assert filed["key"] in redirected.headers["Location"]


def _fits(*cards: str, data: bytes = b"\0" * 2880) -> bytes:
    return "".join(card.ljust(80) for card in (*cards, "END")).ljust(2880).encode("latin-1") + data


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_header_shows_every_card_in_order(api: Api, compress):
    filed = record()
    file(filed)
    cards = (
        "SIMPLE  =                    T / conforms",
        "BITPIX  =                   16",
        "NAXIS   =                    0 / no data",
        "GAIN    =                 1.54 / e-/ADU",
        "OBJECT  = 'O''Brien / x'       / a name with a slash",
        "HISTORY trimmed = yes",
        "BROKEN  =                  1E999",
    )
    body = compress(_fits(*cards))
    clients.s3().put_object(Bucket=clients.bucket(), Key=filed["key"], Body=body)
    answer = api.json(f"/files/header/?id={filed['id']}")
    assert answer["file_name"] == filed["file_name"]
    assert [(c["keyword"], c["value"]) for c in answer["cards"]] == [
        ("SIMPLE", True),
        ("BITPIX", 16),
        ("NAXIS", 0),
        ("GAIN", 1.54),
        ("OBJECT", "O'Brien / x"),
        ("HISTORY", "trimmed = yes"),
        ("BROKEN", "1E999"),
    ]
    assert answer["cards"][3]["comment"] == "e-/ADU"
    assert answer["cards"][4]["comment"] == "a name with a slash"


@pytest.mark.parametrize("body", [b"", b"no fits at all" * 1000, gzip.compress(b"x" * 100, mtime=0)[:20]])
def test_a_file_without_a_header_is_told_in_a_sentence(api: Api, body: bytes):
    filed = record(status="rejected")
    file(filed)
    clients.s3().put_object(Bucket=clients.bucket(), Key=filed["key"], Body=body)
    assert problem(api.get(f"/files/header?id={filed['id']}"), 409)["detail"].endswith(".")


def test_a_page_beyond_the_last_is_not_found(api: Api):
    file(record())
    assert "1 files fill 1 page" in problem(api.get("/files?page=2"), 404)["detail"]
    assert api.json("/files?page=1", "stranger") == {"count": 0, "next": None, "previous": None, "results": []}


def test_an_error_of_ours_is_a_problem_without_its_traceback(api: Api, monkeypatch: pytest.MonkeyPatch):
    from chalicelib.store import ledger

    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(ledger, "read", broken)
    response = api.get("/files")
    problem(response, 500)
    assert b"secret" not in response.body
