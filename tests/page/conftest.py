"""A browser before the real stack, and a small simulated night that arrives while the tests watch.

The stack, the night and the browser are made once, for all tests of this folder: ``tests/conftest.py`` keeps them on
one worker.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import chromium
from tests.page.desk import Desk
from tests.page.observatory import Observatory

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "frontend" / "dist" / "index.html"


@pytest.fixture(scope="session")
def built() -> Path:
    """The built page."""
    if not PAGE.is_file():
        if not shutil.which("node"):
            pytest.skip("the page is not built, and there is no Node.js 20 to build it with (make frontend)")
        made = subprocess.run(["make", "--no-print-directory", "frontend"], cwd=ROOT, capture_output=True, text=True)
        if made.returncode or not PAGE.is_file():
            pytest.skip(f"the page cannot be built (make frontend): {(made.stderr or made.stdout).strip()[-300:]}")
    return PAGE.parent


@pytest.fixture(scope="session")
def installed() -> None:
    """Chromium: named by ``CHROMIUM``, on the path, or installed from Debian's packages."""
    path = chromium.executable()
    if path and not shutil.which(path):
        pytest.skip(f"CHROMIUM names {path}, which cannot be run")
    if path:
        return
    missing = "no Chromium on this machine: install the package chromium, or name the program in CHROMIUM"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip(missing)
    command = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            command, capture_output=True, timeout=300, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        )
    if not chromium.executable():
        pytest.skip(f"{missing} ({' '.join(command)} did not)")


@pytest.fixture(scope="session")
def browser(installed: None, built: Path) -> Iterator[Any]:
    """Chromium, without a window."""
    pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed (make setup)")
    with chromium.browser() as started:
        yield started


@pytest.fixture(scope="session")
def observatory(browser: Any, reference_bundle: Path) -> Iterator[Observatory]:
    """The stack, and the frames of a night of which none has come yet."""
    with Observatory() as started:
        yield started


@pytest.fixture
def night(observatory: Observatory) -> Observatory:
    """The stack with the night's frames reduced, but for the one that comes late."""
    observatory.reduce()
    return observatory


@pytest.fixture
def desk(browser: Any, observatory: Observatory) -> Iterator[Desk]:
    """Pages in contexts of their own; what went wrong in any of them fails the test at its end."""
    opened = Desk(browser, observatory)
    yield opened
    opened.close()
