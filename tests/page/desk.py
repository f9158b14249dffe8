"""Where a test sits before the page: contexts of the browser, and what went wrong in them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.page.observatory import Observatory

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE = 60_000
"""Milliseconds an expectation is waited for: far more than it takes, for a machine that is busy with other tests."""

_SESSION = "goodman-session"


class Desk:
    """Opens pages and watches them."""

    def __init__(self, browser: Browser, observatory: Observatory) -> None:
        from playwright.sync_api import expect

        expect.set_options(timeout=PATIENCE)
        self._browser = browser
        self._observatory = observatory
        self._contexts: list[Any] = []
        self._wrong: list[str] = []
        self._expected: list[str] = []

    def expect_errors(self, *patterns: str) -> None:
        """What the browser may complain of in this test: it tells of every refused request."""
        self._expected += patterns

    def open(
        self, address: str = "", role: str | None = "pi", *, width: int = 1400, height: int = 900, theme: str = "light"
    ) -> Page:
        """A page in a context of its own, signed in; ``address`` is what follows ``#/``."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", accept_downloads=True
        )
        context.set_default_timeout(PATIENCE)
        self._contexts.append(context)
        begin = [f"localStorage.getItem('goodman-theme') ?? localStorage.setItem('goodman-theme', '{theme}')"]
        if role:
            kept = json.dumps(json.dumps(self._observatory.session(role)))
            # Only once: a session that has ended must not come back with the next document.
            begin.append(
                f"if (!sessionStorage.getItem('begun')) sessionStorage.setItem('{_SESSION}', {kept});"
                "sessionStorage.setItem('begun', 'yes')"
            )
        context.add_init_script(";".join(begin))
        page = context.new_page()
        page.on("pageerror", lambda error: self._wrong.append(f"error: {error}"))
        page.on("console", self._console)
        page.on("request", lambda request: self._request(request.url))
        page.goto(f"{self._observatory.web}#/{address}")
        return page

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self._wrong.append(f"{message.type}: {message.text} {message.location.get('url', '')}")

    def _request(self, url: str) -> None:
        own = (self._observatory.web, self._observatory.storage + "/", "blob:", "data:")
        if not url.startswith(own):
            self._wrong.append(f"asked another host: {url}")

    def close(self) -> None:
        """Close everything; nothing may have gone wrong that the test did not expect."""
        for context in self._contexts:
            context.close()
        wrong = [one for one in self._wrong if not any(re.search(pattern, one) for pattern in self._expected)]
        assert not wrong, "\n".join(wrong)


def sign_in(page: Page, login: dict[str, str]) -> None:
    """As a person does it."""
    page.get_by_label("User name or e-mail address").fill(login["username"])
    page.get_by_label("Password", exact=True).fill(login["password"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Logout").wait_for()


def settled(page: Page) -> None:
    """Return when the page has shown what it was asked for."""
    from playwright.sync_api import expect

    expect(page.locator(".state.loading, .boot, [aria-busy=true]")).to_have_count(0)
    expect(page.locator("h1").first).to_be_attached()


@cache
def _axe() -> str:
    return AXE.read_text()


def violations(page: Page, rules: Sequence[str] | None = None) -> list[str]:
    """What axe finds wrong, a line each; by these rules, or by all of them."""
    page.evaluate("axe => window.axe || (0, eval)(axe)", _axe())
    wanted = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found = page.evaluate("wanted => axe.run(document, wanted)", wanted)["violations"]
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {node['target']} {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]


def too_wide(page: Page) -> list[str]:
    """What reaches over the right edge, if the page scrolls sideways."""
    return page.evaluate("""() => {
      const width = document.documentElement.clientWidth;
      if (document.documentElement.scrollWidth <= width) return [];
      return [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > width + 1)
        .map(one => `${one.tagName}.${one.className} to ${Math.round(one.getBoundingClientRect().right)}`);
    }""")


def theme(page: Page) -> str:
    """The theme that is shown."""
    return page.evaluate("document.documentElement.dataset.theme")
