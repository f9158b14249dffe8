"""Fixtures every test may use: real frames where they are at hand, and AWS mocked in this process."""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# Before anything of ours is imported: no test may reach a real account, whatever the shell has set.
os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_SESSION_TOKEN="testing",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_EC2_METADATA_DISABLED="true",
    POWERTOOLS_METRICS_NAMESPACE="goodman-live-tests",
    POWERTOOLS_SERVICE_NAME="goodman-live-tests",
)
for _name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "GOODMAN_BUCKET", "GOODMAN_TABLE_PREFIX"):
    os.environ.pop(_name, None)
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


FIRST = ("tests/page/", "tests/protocol/test_random_histories.py", "tests/api/test_schemathesis.py")
"""What takes longest as a whole: begun last, it would keep one worker busy when the others have nothing left."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first; the tests marked long may take as long as they need, all others what ``timeout`` says."""

    def rank(item: pytest.Item) -> int:
        return next((rank for rank, start in enumerate(FIRST) if item.nodeid.startswith(start)), len(FIRST))

    items.sort(key=rank)
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.timeout(0))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """As `--dist loadfile`, but the tests of the page go to one worker: they share a stack and a browser."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "tests/page" if nodeid.startswith("tests/page/") else super()._split_scope(nodeid)

    return Scheduling(config, log)


# An example takes as long as the machine is busy: how fast code is, benchmarks say.
settings.register_profile("goodman", deadline=None)
settings.load_profile("goodman")


@pytest.fixture(scope="module", autouse=True)
def nothing_remembered() -> None:
    """A process keeps what it read of its tables; those of the next module are other ones."""
    if "chalicelib.store.codes" in sys.modules:
        sys.modules["chalicelib.store.codes"].forget()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real frames (``GOODMAN_SHARED``, or ``../shared`` beside the repository)."""
    folder = Path(os.environ.get("GOODMAN_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(
            f"the real frames are not on this machine ({folder} does not exist; GOODMAN_SHARED names their parent)"
        )
    return folder


@pytest.fixture(scope="session")
def reference_bundle() -> Path:
    """The reference bundle that ``make setup`` builds."""
    folder = ROOT / "build" / "reference"
    if not folder.is_dir():
        pytest.skip("the reference bundle is not built (make setup)")
    return folder


@contextmanager
def mocked_aws() -> Iterator[None]:
    """AWS in this process: moto's mock with our bucket and every table, empty.

    Clients are kept from test to test (they are dear to make, and moto's hook sits below them). moto is made safe under
    several writers as in the one-machine stack.
    """
    from moto import mock_aws

    from chalicelib.store import clients, codes, tables
    from infra.local import moto_locks

    moto_locks.install()
    with mock_aws():
        codes.forget()
        clients.s3().create_bucket(Bucket=clients.bucket())
        clients.s3().put_bucket_versioning(Bucket=clients.bucket(), VersioningConfiguration={"Status": "Enabled"})
        once("empty", tables.create_all)
        yield
    codes.forget()


_once: dict[str, tuple[dict[str, Any], Any]] = {}


def once[Given](name: str, make: Callable[[], Given]) -> Given:
    """Mocked tables as ``make`` leaves them, and what it returns: made once in a process, then copied in their place.

    What every test of a folder begins with costs a second of requests, its copy some milliseconds. ``make`` may write
    to tables only.
    """
    from moto.dynamodb.models import dynamodb_backends

    backend = dynamodb_backends["123456789012"][os.environ["AWS_DEFAULT_REGION"]]
    if name in _once:
        backend.tables = copy.deepcopy(_once[name][0])
    else:
        made = make()
        _once[name] = copy.deepcopy((backend.tables, made))
    return copy.deepcopy(_once[name][1])


@pytest.fixture
def aws() -> Iterator[None]:
    """Mocked AWS, empty, for one test."""
    with mocked_aws():
        yield


@pytest.fixture(scope="module")
def still_aws() -> Iterator[None]:
    """Mocked AWS for the tests of a module that change nothing in it."""
    with mocked_aws():
        yield
