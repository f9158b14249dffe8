"""The contract of a route is enforced: who, parameters, bodies, answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from chalice import Chalice, Response
from chalice.test import Client

from chalicelib.api import problems, schemas, security
from chalicelib.api.operation import ANONYMOUS, OPTIONAL, STAFF, SUPERUSER, Call, operation
from chalicelib.api.parameters import NUMBER, Query
from chalicelib.store import fixtures
from tests.api.client import problem

THING = schemas.named(
    "Thing",
    schemas.record(
        {
            "name": schemas.text(10, shortest=1),
            "row": schemas.integer(0, 9),
            "flag": schemas.FLAG,
            "zones": schemas.array(schemas.record({"low": schemas.number()}), most=3),
            "semester": schemas.nullable(
                schemas.text(5, shortest=5, pattern="^20[0-9]{2}[AB]$", says="a semester, like 2026B")
            ),
        },
        optional=("row", "flag", "zones", "semester"),
    ),
)
ECHO = schemas.mapping()


def small_api(seen: list[Any]) -> Chalice:
    app = Chalice(app_name="small")
    app.register_middleware(security.middleware, "http")

    @app.route("/echo", methods=["GET", "POST"], content_types=[])
    @operation(
        "Echo",
        who=ANONYMOUS,
        query=(
            Query("n", "integer", low=-3, high=3),
            Query("word", many=True, most=2),
            Query("kind", "choice", choices=("a", "b")),
            Query("code", pattern="[a-z]+", longest=5),
            Query("sign", pattern="[+-]", says="+ or -"),
        ),
        body=THING,
        form=True,
        answers={200: ECHO},
        tag="service",
    )
    def echo(call: Call) -> dict[str, Any]:
        seen.append(call)
        return {"query": call.query | {"word": list(call.query["word"])}, "body": call.body}

    @app.route("/strict", methods=["POST"], content_types=[])
    @operation("Strict", who=ANONYMOUS, body=THING, answers={201: ECHO}, tag="service", largest=200)
    def strict(call: Call) -> dict[str, Any]:
        return call.body

    @app.route("/who", methods=["GET"], content_types=[])
    @operation("Who", who=OPTIONAL, answers={200: ECHO}, tag="service")
    def who(call: Call) -> dict[str, Any]:
        return {"user": call.visitor.username if call.visitor else None}

    @app.route("/staff/{identifier}", methods=["GET"], content_types=[])
    @operation("Staff", who=STAFF, path=(NUMBER,), answers={204: None}, tag="service")
    def staff(call: Call) -> None:
        seen.append(call.path)

    @app.route("/superuser", methods=["GET"], content_types=[])
    @operation("Superuser", who=SUPERUSER, answers={200: ECHO}, tag="service")
    def superuser(call: Call) -> dict[str, Any]:
        return {}

    @app.route("/once", methods=["POST"], content_types=[])
    @operation("Once", body=THING, answers={202: ECHO}, refuses=(404,), tag="service", idempotent=True)
    def once(call: Call) -> dict[str, Any]:
        seen.append(call.body)
        if call.body["name"] == "absent":
            raise problems.NotFound("There is no such thing.")
        return {"times": len(seen)}

    @app.route("/trouble/{name}", methods=["GET"], content_types=[])
    @operation("Trouble", who=ANONYMOUS, path=(schemas_path(),), answers={200: ECHO}, tag="service")
    def trouble(call: Call) -> Response:
        raise next(kind for kind in problems.TABLE if kind.__name__ == call.path["name"])(
            *ARGUMENTS.get(call.path["name"], ("Because.",))
        )

    return app


ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "BadCursor": (),
    "TooMany": (3,),
    "Unprocessable": ("Because.", [("/row", "It is too high.")]),
}


def schemas_path() -> Any:
    from chalicelib.api.parameters import Path

    return Path("name")


@pytest.fixture
def seen() -> list[Any]:
    return []


@pytest.fixture
def client(still_aws: None, seen: list[Any]) -> Iterator[Client]:
    with Client(small_api(seen)) as made:
        yield made


@pytest.fixture(scope="module")
def tokens(still_aws: None) -> dict[str, str]:
    return fixtures.seed_fixture_accounts(mocked=True)


def post(client: Client, path: str, body: bytes | str, token: str | None = None, **headers: str) -> Any:
    sent = {"Content-Type": "application/json", **headers}
    if token:
        sent["Authorization"] = f"Token {token}"
    return client.http.post(path, body=body.encode() if isinstance(body, str) else body, headers=sent)


def test_parameters_come_parsed(client: Client):
    answer = client.http.get("/echo?n=-3&word=a&word=b&kind=b&code=abc", body=b"name=x")
    assert json.loads(answer.body)["query"] == {"n": -3, "word": ["a", "b"], "kind": "b", "code": "abc", "sign": None}
    assert json.loads(client.http.get("/echo", body=b"name=x").body)["query"] == {
        "n": None,
        "word": [],
        "kind": None,
        "code": None,
        "sign": None,
    }


@pytest.mark.parametrize(
    "query",
    [
        "n=4",
        "n=-4",
        "n=1.0",
        "n=",
        "word=a&word=b&word=c",
        "kind=c",
        "code=abcdef",
        "code=A",
        "code=a%0A",
        "x=1",
        "word=%00",
    ],
)
def test_parameters_beyond_their_bounds_are_refused(client: Client, query: str):
    assert problem(client.http.get(f"/echo?{query}", body=b"name=x"), 400)["detail"].endswith(".")


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_form_will_do_where_it_may_whatever_its_media_type_says(client: Client, kind: str, method: str):
    """The manual's own script sends a form in a GET and calls it JSON."""
    answer = client.http.request(method, "/echo", body=b"name=a%40b.c&row=7&flag=true", headers={"Content-Type": kind})
    assert answer.status_code == 200, answer.body
    assert json.loads(answer.body)["body"] == {"name": "a@b.c", "row": 7, "flag": True}
    answer = client.http.request(method, "/echo", body=b' {"name": "x"}', headers={"Content-Type": kind})
    assert json.loads(answer.body)["body"] == {"name": "x"}


@pytest.mark.parametrize("body", ["name=a&name=b", "just words", "%ff=1", "=1&"])
def test_a_form_that_is_none_is_refused(client: Client, body: str):
    assert client.http.get("/echo", body=body.encode()).status_code in (400, 422)


def test_a_form_is_refused_where_json_is_wanted(client: Client):
    problem(post(client, "/strict", "name=x"), 400)
    assert post(client, "/strict", '{"name": "x"}').status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": "x", "zones": [{"low": 1e999}]}',
        b'{"name": "\\ud800"}',
        b'\xff\xfe{"name": "x"}',
        b"[" * 190,
        b'{"name": "x"} x',
        b'{"row": ' + b"9" * 150 + b"e}",
    ],
)
def test_a_body_that_is_no_json_is_refused_with_a_sentence(client: Client, body: bytes):
    assert problem(post(client, "/strict", body), 400)["detail"].endswith(".")


@pytest.mark.parametrize(
    "body, places",
    [
        ("", {""}),
        ("[]", {""}),
        ("null", {""}),
        ('"x"', {""}),
        ("{}", {""}),
        ('{"name": ""}', {"/name"}),
        ('{"name": "12345678901"}', {"/name"}),
        ('{"name": "x", "row": 10}', {"/row"}),
        ('{"name": "x", "row": true}', {"/row"}),
        ('{"name": "x", "other": 1}', {""}),
        ('{"name": "x", "zones": [{"low": 1}, {"low": "a"}]}', {"/zones/1/low"}),
        ('{"name": 1, "row": "x"}', {"/name", "/row"}),
    ],
)
def test_a_body_that_is_not_as_declared_is_told_where(client: Client, body: str, places: set[str]):
    told = problem(post(client, "/strict", body), 422)
    assert {error["at"] for error in told["errors"]} == places
    assert all(error["message"].endswith(".") for error in told["errors"])
    assert told["detail"].endswith(".")


@pytest.mark.parametrize("semester", ["", "2026C", "2026b", "twenty twenty-six", "2026B\n"])
def test_a_pattern_is_told_in_words_and_once(client: Client, semester: str):
    told = problem(post(client, "/strict", json.dumps({"name": "x", "semester": semester})), 422)
    assert told["errors"] == [{"at": "/semester", "message": "this must be a semester, like 2026B."}]
    assert told["detail"] == "The body cannot be used: at /semester, this must be a semester, like 2026B."
    assert post(client, "/strict", '{"name": "x", "semester": "2026B"}').status_code == 201
    assert post(client, "/strict", '{"name": "x", "semester": null}').status_code == 201


def test_a_parameters_pattern_is_told_in_words(client: Client):
    told = problem(client.http.get("/echo?sign=x"), 400)
    assert told["detail"] == "The parameter sign is 'x'; it must be + or -."


def test_a_large_body_is_refused(client: Client):
    problem(post(client, "/strict", json.dumps({"name": "x" * 300})), 413)


def test_whoever_it_is_for(client: Client, tokens: dict[str, str], seen: list[Any]):
    def get(path: str, role: str | None) -> Any:
        return client.http.get(path, headers={"Authorization": f"Token {tokens[role]}"} if role else {})

    assert json.loads(get("/who", None).body) == {"user": None}
    assert json.loads(get("/who", "pi").body) == {"user": "pi"}
    problem(client.http.get("/who", headers={"Authorization": "Token never"}), 401)
    for role, statuses in {None: (401, 401), "pi": (403, 403), "staff": (204, 403), "superuser": (204, 200)}.items():
        assert (get("/staff/5", role).status_code, get("/superuser", role).status_code) == statuses
    assert seen == [{"identifier": 5}] * 2
    problem(get("/staff/five", "staff"), 400)
    problem(get("/staff/five", "pi"), 403)


@pytest.mark.parametrize("kind", sorted(kind.__name__ for kind in problems.TABLE))
def test_every_exception_of_the_table_is_its_problem(client: Client, kind: str):
    answer = next(answer for error, answer in problems.TABLE.items() if error.__name__ == kind)
    response = client.http.get(f"/trouble/{kind}")
    told = problem(response, answer.status)
    assert told["type"] == f"urn:goodman-live:problem:{answer.kind}"
    assert ("Retry-After" in response.headers) is (answer.status in (429, 503) or kind == "InProgress")
    assert told.get("errors") == ([{"at": "/row", "message": "It is too high."}] if kind == "Unprocessable" else None)


def test_a_request_with_a_key_is_done_once(client: Client, tokens: dict[str, str], seen: list[Any]):
    key = {"Idempotency-Key": "k1"}
    first = post(client, "/once", '{"name": "a"}', tokens["pi"], **key)
    again = post(client, "/once", '{"name": "a"}', tokens["pi"], **key)
    assert (first.status_code, first.body) == (again.status_code, again.body) == (202, b'{"times":1}')
    assert again.headers["Content-Type"] == "application/json"
    problem(post(client, "/once", '{"name": "b"}', tokens["pi"], **key), 422)
    assert len(seen) == 1
    assert json.loads(post(client, "/once", '{"name": "a"}', tokens["stranger"], **key).body) == {"times": 2}, (
        "per user"
    )
    assert json.loads(post(client, "/once", '{"name": "a"}', tokens["pi"]).body) == {"times": 3}, "no key, no memory"
    problem(post(client, "/once", '{"name": "a"}', tokens["pi"], **{"Idempotency-Key": "x" * 101}), 400)


def test_a_refused_request_may_be_sent_again_with_its_key(client: Client, tokens: dict[str, str]):
    key = {"Idempotency-Key": "k2"}
    problem(post(client, "/once", '{"name": "absent"}', tokens["pi"], **key), 404)
    assert post(client, "/once", '{"name": "there"}', tokens["pi"], **key).status_code == 202


def test_only_the_configured_origins_may_read(client: Client, monkeypatch: pytest.MonkeyPatch):
    ours, theirs = "https://page.example.org", "https://other.example.org"
    assert "Access-Control-Allow-Origin" not in client.http.get("/who", headers={"Origin": ours}).headers
    monkeypatch.setenv(security.ORIGINS, f"{ours}, https://second.example.org/")
    answer = client.http.get("/who", headers={"Origin": ours})
    assert (answer.headers["Access-Control-Allow-Origin"], answer.headers["Vary"]) == (ours, "Origin")
    refused = client.http.get("/who", headers={"Origin": theirs})
    assert refused.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Origin" not in refused.headers
    error = client.http.get("/staff/1", headers={"Origin": ours})
    assert (error.status_code, error.headers["Access-Control-Allow-Origin"]) == (401, ours), "a page can read errors"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_every_answer_has_the_security_headers(client: Client):
    for path in ("/who", "/staff/1", "/who?x=1"):
        headers = client.http.get(path).headers
        for name, value in security.HEADERS.items():
            assert headers[name] == value
