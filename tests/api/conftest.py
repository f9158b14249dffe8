"""The real app behind chalice's test client, with people and their tokens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chalice.test import Client

from chalicelib.store import fixtures
from tests.api.client import Api


@pytest.fixture
def api(aws: None) -> Iterator[Api]:
    """The API with the fixture accounts and no file."""
    from app import app

    with Client(app) as client:
        yield Api(client, fixtures.seed_fixture_accounts(mocked=True))


@pytest.fixture(scope="module")
def still_api(still_aws: None) -> Iterator[Api]:
    """The API with the fixture accounts, for the tests of a module that change nothing."""
    from app import app

    with Client(app) as client:
        yield Api(client, fixtures.seed_fixture_accounts(mocked=True))
