"""AWS's answers played again below botocore's client: what is measured then is the service and botocore, and no AWS.

As a program it is one cold start: ``python -m bench.replay FILE`` imports the app, answers the recorded request, and
prints the CPU seconds of the import and of the request.
"""

from __future__ import annotations

import time

_START = time.process_time()

import io  # noqa: E402
import json  # noqa: E402
import pickle  # noqa: E402
import sys  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from typing import Any  # noqa: E402

Answers = dict[Any, tuple[int, Any, bytes]]


def keys(request: Any) -> tuple[Any, Any, str, Any]:
    """By what an answer is found: exactly this request, or one of the same table; and what is asked of it."""
    body = request.body or b""
    asked = json.loads(body) if "X-Amz-Target" in request.headers else {}
    target = request.headers.get("X-Amz-Target", b"")
    target = target.decode() if isinstance(target, bytes) else target
    exact = (target, request.method, request.url, body if asked else b"")
    alike = (target, request.method, request.url.split("?")[0], asked.get("TableName"), asked.get("IndexName"))
    return exact, alike, target, asked


def respond(request: Any, kept: tuple[int, Any, bytes]) -> Any:
    """A recorded answer as botocore gets it."""
    from botocore.awsrequest import AWSResponse

    class Raw(io.BytesIO):
        def stream(self, **_: Any) -> Iterator[bytes]:
            while content := self.read():
                yield content

    status, headers, content = kept
    return AWSResponse(request.url, status, headers, Raw(content))


def play(request: Any, answers: Answers) -> Any:
    """The answer to a request, from those recorded."""
    exact, alike, _, _ = keys(request)
    return respond(request, answers.get(exact) or answers[alike])


def main() -> None:
    """Answer one recorded request."""
    if len(sys.argv) != 2:
        print("bench.requests starts this program, once for each cold start.")
        return
    start = _START
    from app import app

    imported = time.process_time() - start
    from chalicelib.store import clients

    with open(sys.argv[1], "rb") as recorded:
        answers, event, services, status = pickle.load(recorded)
    for module in ("numpy", "moto"):
        assert module not in sys.modules, f"{module} is no part of a cold start"
    start = time.process_time()
    for service in services:
        getattr(clients, service)().meta.events.register_first(
            "before-send.*", lambda request, **_: play(request, answers)
        )
    answer = app(event, None)
    print(imported, time.process_time() - start)
    assert answer["statusCode"] == status, answer


if __name__ == "__main__":
    main()
