"""The same commands against a stack of its own address, as the one-machine stack has one."""

from __future__ import annotations

import json
import os

import pytest

from chalicelib.domain import topology
from infra.local import environment, resources
from infra.local.moto_server import MotoServer
from infra.operate.__main__ import main

BUCKET = "goodman-live-1234"


@pytest.fixture
def stack(monkeypatch):
    """A stack whose bucket the command has to find; this process's environment knows nothing of it."""
    from chalicelib.store import clients, queues

    def forget() -> None:
        clients.forget()
        queues.forget()

    before = dict(os.environ)
    server = MotoServer()
    environment.configure(server.url, BUCKET)
    forget()
    resources.create_all()
    queues.send_bulk(["frame#1"])
    os.environ.clear()
    os.environ.update({k: v for k, v in before.items() if k != "GOODMAN_BUCKET"})
    forget()
    yield server
    server.stop()
    os.environ.clear()
    os.environ.update(before)
    forget()


def test_the_endpoint_is_all_that_is_needed(stack, capsys):
    assert main(["queues", "--json", "--endpoint", f"{stack.url}/"]) == 0
    rows = {row["queue"]: row for row in json.loads(capsys.readouterr().out)["queues"]}
    assert rows[topology.BULK.queue]["waiting"] == 1
    assert os.environ["GOODMAN_BUCKET"] == BUCKET


def test_nobody_at_the_address_is_said_in_a_sentence(stack, capsys):
    from chalicelib.store import clients

    clients.forget()
    assert main(["queues", "--endpoint", "http://127.0.0.1:9"]) == 1
    assert "Nothing answers there" in capsys.readouterr().err
