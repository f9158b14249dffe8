"""What each route's request asks of AWS, and the CPU the service itself spends on a request.

    python -m bench.requests [--runs 50] [--colds 5]

Requests are the rows of ``tests/api/matrix.py``, each asked by the least of pi, staff and superuser whom it answers
with success, on tables as the matrix makes them, by a warm process. Items read are those that came, at least one a
query or batch; items written count twice in a transaction, as DynamoDB bills them. CPU: the answers of AWS are recorded
once and played again below botocore's client, so that what is measured is the service and botocore.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from statistics import median
from typing import Any

from botocore.awsrequest import AWSResponse
from chalice.local import LambdaEventConverter, RouteMatcher
from moto.core.models import botocore_stubber

from bench import replay
from chalicelib.api import status as status_page
from chalicelib.store import clients, fixtures, mail, queues, ratelimit
from tests.api import matrix
from tests.api.client import Api
from tests.conftest import mocked_aws

SERVICES = ("dynamodb", "sqs", "s3", "ses")


class Wire:
    """Between botocore and moto: counts what is asked, records the answers, plays them again."""

    def __init__(self) -> None:
        self.items: Counter[str] = Counter()
        self.playing = False
        self._lock = threading.Lock()
        self.answers: replay.Answers = {}
        for service in SERVICES:
            make = getattr(clients, service, None)
            if make is not None:
                make().meta.events.register_first("before-send.*", self._send)
        botocore_stubber.enabled = False

    def _send(self, request: Any, **_: Any) -> AWSResponse:
        if self.playing:
            return replay.play(request, self.answers)
        exact, alike, target, asked = replay.keys(request)
        with self._lock:  # botocore asks all who listen, also after one has answered: moto listens only here
            botocore_stubber.enabled = True
            answer = botocore_stubber(event_name="before-send", request=request)
            botocore_stubber.enabled = False
        assert answer is not None, request.url
        kept = (answer.status_code, dict(answer.headers), answer.content)
        self.answers[exact] = self.answers[alike] = kept
        self._count(target, asked, kept[2], request)
        return replay.respond(request, kept)

    def _count(self, target: str, asked: Any, content: bytes, request: Any) -> None:
        service, _, name = target.partition(".")
        if not service.startswith("DynamoDB"):
            what = name or request.method
            host = request.url.split("/")[2].split(".")[0]
            self.items[f"{host} {what}"] += 1
        elif name == "TransactWriteItems":
            self.items["write"] += 2 * len(asked["TransactItems"])
        elif name in ("PutItem", "UpdateItem", "DeleteItem"):
            self.items["write"] += 1
        else:
            told = json.loads(content)
            rows = [*told.get("Items", ()), *(row for rows in told.get("Responses", {}).values() for row in rows)]
            self.items["read"] += max(1, len(rows))


@contextlib.contextmanager
def service() -> Iterator[tuple[Api, matrix.Given]]:
    """The API with what the rows ask for."""
    from chalice.test import Client

    from app import app
    from infra.local import resources

    with mocked_aws():
        queues.forget()
        ratelimit.forget()
        resources.create_queues()
        clients.ses().verify_email_identity(EmailAddress=mail.LOCAL_SENDER)
        with Client(app) as client:
            api = Api(client, fixtures.seed_fixture_accounts(mocked=True))
            yield api, matrix.given()
    queues.forget()
    clients.forget()


def asked_by(row: matrix.Row) -> str | None:
    """The least role that is answered with success; None for nobody in particular."""
    if row.statuses[0] < 300:
        return None
    found = (role for role in ("pi", "staff", "superuser") if row.statuses[matrix.COLUMNS.index(role)] < 400)
    return next(found, "pi")


def send(api: Api, there: matrix.Given, row: matrix.Row) -> Any:
    """Send a row's request."""
    path = row.path(there) if callable(row.path) else row.path
    body = row.body(there) if callable(row.body) else row.body
    return api.send(row.method, path, asked_by(row), json_body=body, form=row.form, **row.headers)


def counts() -> None:
    """Print the table of what each route asks of AWS."""
    print("| request | by | answer | items read | items written | others |\n|---|---|---|---|---|---|")
    with service() as (api, there):
        for role in ("pi", "staff"):
            api.get("/files", role)
            api.get("/", role)
        wire = Wire()
        for row in matrix.ROWS:
            ratelimit.forget()
            wire.items.clear()
            answer = send(api, there, row)
            others = ", ".join(
                f"{name} ×{n}" for name, n in sorted(wire.items.items()) if name not in ("read", "write")
            )
            by = asked_by(row) or "anybody"
            figures = f"{wire.items['read']} | {wire.items['write']} | {others}"
            print(f"| `{row.method} {row.route}` | {by} | {answer.status_code} | {figures} |")


def cpu(runs: int, colds: int) -> None:
    """Print the CPU of warm requests and of the first one of a process, with AWS's answers played again."""
    from app import app

    login = json.dumps({"username": "pi", "password": fixtures.PASSWORD}).encode()
    gateway = LambdaEventConverter(RouteMatcher(list(app.routes)), app.api.binary_types)
    with service() as (api, there):
        asked: dict[str, tuple[str, str, str | None, bytes]] = {
            "status, anonymous": ("GET", "/", None, b""),
            "token check and a record": ("GET", f"/files/{there.file}", "pi", b""),
            "list, a member": ("GET", "/files", "pi", b""),
            "list, staff": ("GET", "/files", "staff", b""),
            "login": ("POST", "/auth/login", None, login),
        }
        for name, (method, path, role, body) in asked.items():
            headers = {"host": "bench", "content-type": "application/json"}
            if role:
                headers["authorization"] = f"Token {api.tokens[role]}"
            event = dict(gateway.create_lambda_event(method, path, headers, body))
            forget()
            wire = Wire()
            status = answer(app, event)
            cold = _cold(wire.answers, event, status, colds)
            answer(app, event)
            wire.playing = True
            times = []
            for _ in range(runs if method == "GET" else max(3, runs // 20)):
                ratelimit.forget()
                start = time.process_time()
                answer(app, event)
                times.append(time.process_time() - start)
            warm = f"warm {1000 * median(times):6.1f} ms (median of {len(times)})"
            print(f"{name:<25} {status}  {warm}, {cold}")


def answer(app: Any, event: dict[str, Any]) -> int:
    """Answer an event as Lambda would; the status."""
    return app(event, None)["statusCode"]


def forget() -> None:
    """As a new process is: no client, no queue's address, nothing counted or kept."""
    clients.forget()
    queues.forget()
    ratelimit.forget()
    status_page.forget()
    for name in ("codes", "ledger"):
        drop = getattr(import_module(f"chalicelib.store.{name}"), "forget", None)
        if drop is not None:
            drop()


def _cold(answers: replay.Answers, event: dict[str, Any], status: int, runs: int) -> str:
    used = [name for name in SERVICES if hasattr(clients, name)]
    with tempfile.NamedTemporaryFile(suffix=".pickle") as recorded:
        pickle.dump((answers, event, used, status), recorded)
        recorded.flush()
        program = [sys.executable, "-m", "bench.replay", recorded.name]
        figures = [
            [float(figure) for figure in subprocess.check_output(program, text=True).split()] for _ in range(runs + 1)
        ][1:]
    imported, first = (1000 * median(column) for column in zip(*figures))
    return f"cold: import {imported:4.0f} ms, first request {first:4.0f} ms (median of {runs})"


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--colds", type=int, default=5)
    arguments = parser.parse_args()
    cpu(arguments.runs, arguments.colds)
    print()
    counts()


if __name__ == "__main__":
    main()
