"""One address for page and API: what a browser and the manual's own scripts send must come through."""

from __future__ import annotations

import gzip
import html
import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from chalice import Chalice, Response

from infra.local.web import WebServer

STORAGE = "http://127.0.0.1:9/frames/"
SCRIPT = b"export const wavelengths = [5875.62, 6678.15];" * 20


def small_api() -> Chalice:
    app = Chalice(app_name="small")

    @app.route("/", methods=["GET"])
    def root() -> dict[str, Any]:
        return {"at": "root"}

    @app.route("/things", methods=["GET", "POST"], content_types=[])
    def things() -> dict[str, Any]:
        request = app.current_request
        return {
            "query": dict(request.query_params or {}),
            "body": request.raw_body.decode(),
            "authorization": request.headers.get("authorization"),
            "path": request.context["path"],
            "scheme": request.headers["x-forwarded-proto"],
        }

    @app.route("/things/{name}", methods=["GET"])
    def thing(name: str) -> dict[str, Any]:
        return {"name": name, "seen": app.current_request.uri_params["name"]}

    @app.route("/elsewhere", methods=["GET"])
    def elsewhere() -> Response:
        return Response(body="", status_code=302, headers={"Location": "http://127.0.0.1:1/x?a=1&b=2"})

    return app


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def server(tmp_path: Path, notices: list[str]) -> Iterator[WebServer]:
    pages = tmp_path / "dist"
    (pages / "assets").mkdir(parents=True)
    (pages / "index.html").write_text("<title>page</title>")
    (pages / "assets" / "a.js").write_text("1")
    (pages / "assets" / "main-ABCDEFGH.js").write_bytes(SCRIPT)
    (pages / "manual" / "pictures").mkdir(parents=True)
    (pages / "manual" / "index.html").write_text("<title>manual</title>")
    (pages / "manual" / "pictures" / "data.png").write_bytes(b"png")
    (tmp_path / "secret.txt").write_text("secret")
    started = WebServer(small_api(), pages, 0, notices.append, connect=[STORAGE])
    yield started
    started.stop()


def ask(server: WebServer, path: str, method: str = "GET", **more: Any) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://").rstrip("/"), timeout=20)
    try:
        connection.request(method, path, **more)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def chunked(server: WebServer, body: bytes) -> int:
    """The status of a request whose body comes in chunks."""
    address = server.url.removeprefix("http://").rstrip("/")
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        lines = ("POST /api/things HTTP/1.1", f"Host: {address}", "Transfer-Encoding: chunked", "Connection: close")
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        connection.shutdown(socket.SHUT_WR)
        return int(connection.makefile("rb").readline().split()[1])


@pytest.mark.parametrize("path", ["/api/things", "/api/things/", "/api//things/"])
def test_a_get_may_have_a_body_and_a_slash_at_its_end(server, path):
    answer, body = ask(server, f"{path}?page=2", body=b'{"id": 3}', headers={"Authorization": "Token t"})
    assert answer.status == 200
    assert json.loads(body) == {
        "query": {"page": "2"},
        "body": '{"id": 3}',
        "authorization": "Token t",
        "path": path.replace("//", "/"),
        "scheme": "http",
    }


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/?x=1"])
def test_the_root_of_the_api(server, path):
    assert json.loads(ask(server, path)[1]) == {"at": "root"}


def test_names_in_paths_are_decoded(server):
    assert json.loads(ask(server, "/api/things/a%20%C3%A9")[1]) == {"name": "a é", "seen": "a é"}


def test_redirects_and_refusals(server):
    answer, body = ask(server, "/api/elsewhere")
    assert (answer.status, answer.headers["Location"], body) == (302, "http://127.0.0.1:1/x?a=1&b=2", b"")
    answer, body = ask(server, "/api/nothing", headers={"Authorization": "Token t"})
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(body)["type"] == "urn:goodman-live:problem:not-found"
    assert ask(server, "/api/elsewhere", "DELETE")[0].status == 405
    assert ask(server, "/index.html", "POST", body=b"x")[0].status == 405
    assert chunked(server, b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n") != 400
    assert chunked(server, b"nonsense\r\n") == 400
    assert chunked(server, b"fffffff\r\n") == 413
    assert ask(server, "/api/things", "POST", headers={"Content-Length": "99999999999"})[0].status == 413


def test_requests_at_once_do_not_see_each_other(server):
    def one(number: int) -> bool:
        answer, body = ask(server, f"/api/things/{number}")
        return answer.status == 200 and json.loads(body) == {"name": str(number), "seen": str(number)}

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(80)))


def test_the_page(server):
    answer, body = ask(server, "/")
    assert (answer.status, body) == (200, b"<title>page</title>")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert ask(server, "/files/2018020400001")[1] == b"<title>page</title>"
    answer, body = ask(server, "/assets/a.js")
    assert (answer.headers["Content-Type"].split(";")[0], body) == ("text/javascript", b"1")
    answer, body = ask(server, "/assets/a.js", "HEAD")
    assert (answer.headers["Content-Length"], body) == ("1", b"")


def test_the_page_may_run_its_own_scripts_only(server):
    for path in ("/", "/assets/main-ABCDEFGH.js", "/manual/"):
        headers = ask(server, path)[0].headers
        assert "script-src 'self';" in headers["Content-Security-Policy"]
        assert f"connect-src 'self' {STORAGE};" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Strict-Transport-Security" not in headers, "there is no https on one machine"


def test_a_browser_keeps_what_changes_its_name_and_asks_for_the_rest(server):
    assert "immutable" in ask(server, "/assets/main-ABCDEFGH.js")[0].headers["Cache-Control"]
    first, _ = ask(server, "/")
    assert first.headers["Cache-Control"] == "no-cache"
    tag = first.headers["ETag"]
    for sent in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        answer, body = ask(server, "/", headers={"If-None-Match": sent})
        assert (answer.status, body, answer.headers["ETag"]) == (304, b"", tag)
    assert ask(server, "/", headers={"If-None-Match": '"other"'})[0].status == 200


def test_a_page_built_anew_is_shown_at_once(server, tmp_path):
    tag = ask(server, "/")[0].headers["ETag"]
    (tmp_path / "dist" / "index.html").write_text("<title>newer</title>")
    answer, body = ask(server, "/", headers={"If-None-Match": tag})
    assert (answer.status, body) == (200, b"<title>newer</title>")


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip, deflate, br", True),
        ("gzip;q=0.5", True),
        ("*", True),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0.0, *", False),
        ("", False),
    ],
)
def test_text_is_compressed_for_who_can_read_it(server, accepted: str, compressed: bool):
    answer, body = ask(server, "/assets/main-ABCDEFGH.js", headers={"Accept-Encoding": accepted})
    assert (answer.headers["Content-Encoding"] == "gzip") is compressed
    assert (gzip.decompress(body) if compressed else body) == SCRIPT
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert int(answer.headers["Content-Length"]) == len(body)


def test_pictures_are_sent_as_they_are(server):
    answer, body = ask(server, "/manual/pictures/data.png", headers={"Accept-Encoding": "gzip"})
    assert (answer.headers["Content-Encoding"], answer.headers["Content-Type"], body) == (None, "image/png", b"png")


def test_the_manual(server):
    assert ask(server, "/manual/")[1] == ask(server, "/manual/index.html")[1] == b"<title>manual</title>"
    answer, _ = ask(server, "/manual")
    assert (answer.status, answer.headers["Location"]) == (308, "/manual/"), "else its links lead one level too high"
    assert ask(server, "//manual")[0].headers["Location"] == "/manual/"


@pytest.mark.parametrize(
    "path", ["/assets/main-GONEGONE.js", "/assets/main", "/assets/", "/manual/none", "/manual/pictures"]
)
def test_what_is_not_there_is_not_answered_with_the_page(server, path):
    """A script that got HTML would end in a riddle; a page that was opened before the last deployment asks for such."""
    answer, body = ask(server, path)
    assert answer.status == 404
    assert b"<title>" not in body


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/../../secret.txt", "/none.js", "/a%00b"]
)
def test_nothing_outside_the_page_is_shown(server, path):
    answer, body = ask(server, path)
    assert answer.status == 404
    assert b"secret" not in body.replace(b"secret.txt", b"")


def test_without_a_built_page_a_short_one_names_the_api(tmp_path, notices):
    server = WebServer(small_api(), tmp_path / "none", 0, notices.append)
    try:
        answer, body = ask(server, "/")
        assert answer.status == 200
        page = html.unescape(body.decode())
        assert server.api in page
        assert f'"{server.api}files/?data_type=4&obstype=SPECTRUM"' in page
        assert page.count("curl -fL") == 3
    finally:
        server.stop()


def test_a_taken_port_is_said_and_another_used(server, tmp_path, notices):
    port = int(server.url.rstrip("/").rsplit(":", 1)[1])
    other = WebServer(small_api(), tmp_path, port, notices.append)
    try:
        used = int(other.url.rstrip("/").rsplit(":", 1)[1])
        assert used != port
        assert notices == [f"Port {port} is taken; using {used}."]
        assert ask(other, "/api")[0].status == 200
    finally:
        other.stop()
