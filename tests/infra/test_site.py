"""The page as it is deployed: nothing named that is not there, nothing kept too long, nothing sent elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest

from chalicelib.store import clients, uploads
from infra import cloudformation, site

API = "https://api.example.org/api"
INDEX = '<meta name="goodman-api" content="/api"><script type="module" src="/assets/main-ABCDEFGH.js"></script>'


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A built page."""
    folder = tmp_path / "dist"
    for path, text in {
        "index.html": INDEX,
        "assets/main-ABCDEFGH.js": "1",
        "assets/main-ABCDEFGH.js.map": "{}",
        "assets/icon-20200153.svg": "<svg/>",
        "manual/index.html": "<h1>Manual</h1>",
        "manual/pictures/data.png": "png",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_a_page_never_names_a_file_that_is_not_there_yet(pages: Path):
    paths = [file.path for file in site.deployable(API, pages)]
    assert paths[-1] == "index.html"
    assert paths[:2] == ["assets/icon-20200153.svg", "assets/main-ABCDEFGH.js"], "assets first, and no source maps"
    assert set(paths[2:-1]) == {"manual/index.html", "manual/pictures/data.png"}


@pytest.mark.parametrize(
    ("path", "kept", "kind"),
    [
        ("index.html", "no-cache", "text/html; charset=utf-8"),
        ("manual/viewers.html", "no-cache", "text/html; charset=utf-8"),
        ("manual/pictures/data.png", "no-cache", "image/png"),
        ("manual/pictures/data.webp", "no-cache", "image/webp"),
        ("assets/main-3BOTKETE.js", site.FOREVER, "text/javascript; charset=utf-8"),
        ("assets/decoder.worker-ATBGSDQM.js", site.FOREVER, "text/javascript; charset=utf-8"),
        ("assets/main-CFNLWMOI.css", site.FOREVER, "text/css; charset=utf-8"),
        ("assets/icon-20200153.svg", site.FOREVER, "image/svg+xml"),
        ("assets/plain.js", "no-cache", "text/javascript; charset=utf-8"),
        ("assets/night-view.js", "no-cache", "text/javascript; charset=utf-8"),
        ("other/main-3BOTKETE.js", "no-cache", "text/javascript; charset=utf-8"),
    ],
)
def test_only_what_changes_its_name_is_kept_for_ever(path: str, kept: str, kind: str):
    assert (site.cache_control(path), site.content_type(path)) == (kept, kind)


@pytest.mark.parametrize(("api", "said"), [(API, API), (API + "/", API), ("/api", "/api")])
def test_the_page_is_told_where_its_api_is(pages: Path, api: str, said: str):
    index = site.deployable(api, pages)[-1].content.decode()
    assert f'<meta name="goodman-api" content="{said}">' in index
    assert index.count("goodman-api") == 1


def test_a_page_that_cannot_be_told_is_not_deployed(pages: Path):
    (pages / "index.html").write_text("<p>other</p>")
    with pytest.raises(site.NotBuilt, match="does not say where the API is"):
        site.deployable(API, pages)
    with pytest.raises(site.NotBuilt, match="make frontend"):
        site.deployable(API, pages / "none")


def test_the_policy_allows_own_scripts_and_the_named_places_only():
    rules = dict(
        one.split(" ", 1) for one in site.policy(["https://api.example.org", "https://s3/frames/"]).split("; ")
    )
    assert rules.pop("connect-src") == "'self' https://api.example.org https://s3/frames/"
    assert rules.pop("img-src") == "'self' blob: data:"
    for name in ("default-src", "base-uri", "form-action", "frame-ancestors"):
        assert rules.pop(name) == "'none'"
    assert rules == dict.fromkeys(("script-src", "style-src", "worker-src", "font-src"), "'self'")


def test_only_a_page_served_by_https_asks_for_it():
    assert "Strict-Transport-Security" in site.security_headers()
    assert "Strict-Transport-Security" not in site.security_headers(https=False)


def test_the_page_may_ask_the_frames_bucket_and_no_other(aws: None):
    address = site.storage_address()
    presigned = clients.s3().generate_presigned_url(
        "get_object", Params={"Bucket": clients.bucket(), "Key": "raw/1/a.fits"}
    )
    assert presigned.startswith(address)
    assert address.endswith(f"/{clients.bucket()}/")


def test_origins():
    assert site.origin("https://api.example.org:8443/api") == "https://api.example.org:8443"
    assert site.origin("/api") is None


def test_the_bucket_takes_what_a_browser_sends_with_an_upload(aws: None):
    sent = set(uploads.address("raw/1/a.fits", bytes(32), 1).headers) - {"Content-Length"}  # the browser's own
    (rule,) = site.cross_origin_rules(["*"])
    assert sent <= set(rule["AllowedHeaders"])
    assert {"GET", "HEAD", "PUT"} == set(rule["AllowedMethods"])
    template = cloudformation.template()
    (configured,) = template["Resources"]["FramesBucket"]["Properties"]["CorsConfiguration"]["CorsRules"]
    parameter = configured["AllowedOrigins"]["Ref"]
    assert template["Parameters"][parameter]["Type"] == "CommaDelimitedList"
    assert configured | {"AllowedOrigins": ["*"]} == rule


def test_the_command_writes_and_uploads_and_says_the_headers(
    pages: Path, tmp_path: Path, aws: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr(site, "PAGES", pages)
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="page")
    s3.put_object(Bucket="page", Key="assets/main-OLDERONE.js", Body=b"0")
    out = tmp_path / "copy"
    assert site.main(["--api", API, "--bucket", "page", "--out", str(out)]) == 0
    headers = json.loads(capsys.readouterr().out)
    assert f"connect-src 'self' https://api.example.org {site.storage_address()};" in headers["Content-Security-Policy"]
    assert API in (out / "index.html").read_text()
    keys = {entry["Key"] for entry in s3.list_objects_v2(Bucket="page")["Contents"]}
    copied = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert keys == copied | {"assets/main-OLDERONE.js"}, "an open page still asks for the files it names"
    asset = s3.head_object(Bucket="page", Key="assets/main-ABCDEFGH.js")
    assert (asset["CacheControl"], asset["ContentType"]) == (site.FOREVER, "text/javascript; charset=utf-8")
    assert s3.head_object(Bucket="page", Key="index.html")["CacheControl"] == "no-cache"

    assert site.main(["--api", "/api", "--out", str(out)]) == 0, "a second copy takes the first one's place"
    assert 'content="/api"' in (out / "index.html").read_text()


def test_the_copy_replaces_nothing_else(
    pages: Path, tmp_path: Path, aws: None, monkeypatch: pytest.MonkeyPatch, capsys
):
    monkeypatch.setattr(site, "PAGES", pages)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").write_text("x")
    for folder in (precious, pages):
        assert site.main(["--api", API, "--out", str(folder)]) == 1
        assert "a folder of its own" in capsys.readouterr().err
    assert (precious / "thesis.tex").exists()
    assert (pages / "index.html").read_text() == INDEX


@pytest.mark.parametrize(
    "api", ["http://api.example.org/api", "//evil/api", "api", 'https://x/"><script>', "https://x/a;b"]
)
def test_an_address_the_page_cannot_carry_is_refused(api: str, capsys: pytest.CaptureFixture):
    with pytest.raises(SystemExit):
        site.main(["--api", api])
    said = capsys.readouterr().err
    assert "an address the page can carry" in said or "is neither" in said
