"""The real app behind chalice's test client, with people and their tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from chalice.test import Client

from chalicelib.api import auth
from chalicelib.domain import passwords, topology
from chalicelib.store import clients, fixtures, queues, ratelimit
from tests.api.client import Api
from tests.api.pipeline import observatory  # noqa: F401 (a fixture)
from tests.conftest import once


@pytest.fixture(autouse=True)
def _uncounted() -> None:
    """No test is refused for what others asked."""
    ratelimit.forget()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords cost next to nothing, and answers about forgotten ones come as soon as they are there."""
    monkeypatch.setattr(passwords, "N", 16)
    monkeypatch.setattr(auth, "FORGOT_SECONDS", 0.0)


@pytest.fixture
def api(aws: None) -> Iterator[Api]:
    """The API with the fixture accounts, empty queues and no file."""
    with _api() as made:
        yield made


@pytest.fixture(scope="module")
def still_api(still_aws: None) -> Iterator[Api]:
    """The API with the fixture accounts, for the tests of a module that change nothing."""
    with _api() as made:
        yield made


@contextmanager
def _api() -> Iterator[Api]:
    from app import app

    queues.forget()
    for block in topology.BLOCKS:
        clients.sqs().create_queue(QueueName=block.queue)
    with Client(app) as client:
        yield Api(client, once("accounts", lambda: fixtures.seed_fixture_accounts(mocked=True)))
    queues.forget()
