"""The system's Chromium, driven by Playwright: for the tests of the page, its pictures and its benchmarks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SETTLED = 20_000
"""Milliseconds a page may take to have fetched everything."""


def executable() -> str | None:
    """Chromium's path: that of ``CHROMIUM``, or the first on the path; None if there is none."""
    named = os.environ.get("CHROMIUM")
    return named if named else next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def browser() -> Iterator[Any]:
    """A running Chromium.

    Raises
    ------
    FileNotFoundError
        There is none.
    """
    from playwright.sync_api import sync_playwright

    path = executable()
    if path is None:
        raise FileNotFoundError("Chromium was not found: install it (Debian: chromium), or name it in CHROMIUM.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield chromium
        finally:
            chromium.close()


def open_page(chromium: Any, stack: dict[str, Any], role: str | None, theme: str, size: tuple[int, int]) -> Any:
    """A page of a fresh browser profile, signed in; close its ``context`` after use."""
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
    page = context.new_page()
    page.add_init_script(f"localStorage.setItem('goodman-theme', {theme!r})")
    page.goto(stack["web"])
    if role:
        login = stack["logins"][role]
        page.get_by_label("User name or e-mail address").fill(login["username"])
        page.get_by_label("Password").fill(login["password"])
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Logout").wait_for()
    return page


def settled(page: Any) -> None:
    """Return when nothing is loading any more."""
    page.wait_for_function(
        "() => !document.querySelector('.state.loading, .loading, [aria-busy=true]')", timeout=SETTLED
    )
