"""Cases made from the OpenAPI document against the running local API: no 5xx, no answer the document does not know."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from chalicelib.api import links
from chalicelib.store import accounts, items, ratelimit
from infra.local.web import WebServer
from tests.api import matrix
from tests.api.client import Api

ROLES = (None, "stranger", "collaborator", "pi", "staff", "superuser", "superuser")
SHORT, LONG = 300, 5000
SEED = int(os.environ.get("GOODMAN_SEED", "20261121"))
"""Of the cases; the long run is worth repeating with others."""


@pytest.fixture
def server(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """The API on a port of this machine, with what the rows of the matrix ask for."""
    from app import app

    for name in ("PER_TOKEN", "PER_ADDRESS"):
        monkeypatch.setattr(ratelimit, name, 10**9)
    started = WebServer(app, Path("/nonexistent"), 0, lambda _: None)
    yield started
    started.stop()


class People:
    """Tokens that work: a case may sign its own user out, or deactivate somebody."""

    def __init__(self) -> None:
        self._users = {name: accounts.create_user(name, f"{name}@example.org") for name in set(ROLES) - {None}}
        self._tokens: dict[str, str] = {}

    def token(self, role: str) -> str:
        """A token of the role."""
        return self._tokens.get(role) or self.renew(role)

    def renew(self, role: str) -> str:
        """A new token, of a user who is as at the beginning."""
        user = self._users[role]
        items.write([items.operation("Put", "users", item=user)])
        self._tokens[role] = accounts.issue_token(user["id"], name="schemathesis")
        return self._tokens[role]


def existing(there: matrix.Given) -> dict[str, list[Any]]:
    """Variables of paths that name something, by what the path begins with; others are as they are drawn."""
    return {
        "/files": [there.file, *there.more.get("files", ())],
        "/proposals": [there.proposal],
        "/users": sorted(there.users.values()),
        **there.more.get("existing", {}),
    }


def run(server: WebServer, cases: int) -> Counter[int]:
    """Send at least ``cases`` cases, spread over all operations; how many got which status."""
    import schemathesis

    base = server.api.rstrip("/")
    document = requests.get(f"{base}/openapi.json", timeout=60).json()
    operations = [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]
    known, people = existing(matrix.given()), People()
    statuses: Counter[int] = Counter()
    start = SEED
    with requests.Session() as session:
        while statuses.total() < cases:  # what takes nothing has few cases: the others have more, then
            each = -(-(cases - statuses.total()) // (len(operations) * 2))
            for operation in operations:
                ids = next((ids for stem, ids in known.items() if operation.path.startswith(stem)), [])
                for mode in schemathesis.GenerationMode:
                    with suppress(Unsatisfiable):  # what takes nothing has no wrong form
                        _send_some(operation, mode, each, start, ids, people, base, session, statuses)
            start += 1
    return statuses


def _send_some(
    operation: Any,
    mode: Any,
    each: int,
    start: int,
    ids: list[Any],
    people: People,
    base: str,
    session: requests.Session,
    statuses: Counter[int],
) -> None:
    from schemathesis.specs.openapi import checks

    wanted = [
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]

    @seed(start)
    @settings(
        max_examples=each,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), role=st.sampled_from(ROLES), which=st.integers(0, 9))
    def send(case: Any, role: str | None, which: int) -> None:
        if ids and which < 7 and "identifier" in (case.path_parameters or {}):
            case.path_parameters["identifier"] = ids[which % len(ids)]
        headers = {"Authorization": f"Token {people.token(role)}"} if role else {"Authorization": ""}
        response = case.call(base_url=base, headers=headers, session=session, allow_redirects=False, timeout=60)
        statuses[response.status_code] += 1
        if response.status_code == 401 and role:
            people.renew(role)
        told = f"{case.as_curl_command()} → {response.status_code} {response.text[:500]}"
        assert response.status_code < 500 or response.status_code == 501, told
        case.validate_response(response, checks=wanted)

    send()


def report(statuses: Counter[int], cases: int) -> None:
    """Say what was sent, and that it was enough and not all refused."""
    print(f"{statuses.total()} cases: " + ", ".join(f"{status}: {n}" for status, n in sorted(statuses.items())))
    assert statuses.total() >= cases
    assert statuses[200] > 0.05 * statuses.total(), "too few cases reach what the routes do"


def test_made_up_requests_get_answers_the_document_knows(server: WebServer):
    assert server.api.endswith(f"{links.STAGE}/")
    report(run(server, SHORT), SHORT)


@pytest.mark.long
def test_thousands_of_made_up_requests_get_answers_the_document_knows(server: WebServer):
    report(run(server, LONG), LONG)
