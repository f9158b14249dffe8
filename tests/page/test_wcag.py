"""Every page in every theme, on a phone and on a screen: nothing axe objects to, nothing that scrolls sideways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.page.desk import Desk, settled, theme, violations
from tests.page.observatory import Observatory

VIEWS = {
    "sign-in": ("", None),
    "forgot-password": ("forgot-password", None),
    "set-password": ("set-password?uid=1&token=none", None),
    "home": ("", "pi"),
    "data": ("data", "pi"),
    "spectrum": ("data/{spectrum}", "pi"),
    "header": ("data/{spectrum}?panel=header", "pi"),
    "quality": ("data/{spectrum}?panel=quality", "pi"),
    "lineage": ("data/{spectrum}?panel=lineage", "pi"),
    "comments": ("data/{spectrum}?panel=comments", "pi"),
    "history": ("data/{spectrum}?panel=history", "pi"),
    "image": ("data/{image}", "pi"),
    "raw": ("data/{raw}?tab=0", "pi"),
    "night": ("night", "pi"),
    "search": ("search", "pi"),
    "proposals": ("proposals", "pi"),
    "collaborators": ("collaborators/{proposal}", "pi"),
    "settings": ("settings/{proposal}", "pi"),
    "logs": ("logs", "pi"),
    "user": ("user", "pi"),
    "docs": ("docs", "pi"),
    "management": ("management", "superuser"),
    "management-users": ("management/users", "superuser"),
    "management-proposals": ("management/proposals", "superuser"),
    "management-import": ("management/import", "superuser"),
    "management-unassigned": ("management/unassigned", "superuser"),
    "management-mail": ("management/mail", "superuser"),
    "management-queues": ("management/queues", "superuser"),
    "confirm-email": ("confirm-email/none", None),
}
"""Name → address and role."""


def opened(desk: Desk, night: Observatory, view: str, **look: Any) -> Any:
    address, role = VIEWS[view]
    spectrum = night.file(night.spectra[0])
    place = address.format(
        spectrum=spectrum["id"],
        image=night.file(night.spectra[0], 2)["id"],
        raw=spectrum["original_file_id"],
        proposal=night.proposal(),
    )
    desk.expect_errors("Failed to load resource: the server responded with a status of 4") if role is None else None
    page = desk.open(place, role, **look)
    settled(page)
    return page


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(desk: Desk, night: Observatory, view: str):
    page = opened(desk, night, view)
    wrong = []
    for name in ("light", "dark", "night"):
        page.wait_for_function("name => document.documentElement.dataset.theme === name", arg=name)
        wrong += [f"{name}: {one}" for one in violations(page)]
        page.evaluate("document.activeElement?.blur()")
        page.keyboard.press("t")
    assert theme(page) == "light"
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_shows_it_without_scrolling_sideways(desk: Desk, night: Observatory, view: str):
    page = opened(desk, night, view, width=360, height=740, theme="night")
    wide = page.evaluate("""() => {
      const width = document.documentElement.clientWidth;
      if (document.documentElement.scrollWidth <= width) return [];
      return [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > width + 1)
        .map(one => `${one.tagName}.${one.className} to ${Math.round(one.getBoundingClientRect().right)}`);
    }""")
    assert not wide, "\n".join(wide[:10])
    if VIEWS[view][1]:
        menu = page.get_by_role("button", name="Menu")
        menu.click()
        assert page.get_by_role("navigation", name="Main").get_by_role("link").count() >= 5


def test_the_manual(desk: Desk, observatory: Observatory, built: Path):
    """Each chapter, in the theme that was chosen on the page, on a phone: axe, and nothing that scrolls sideways."""
    chapters = sorted(path.name for path in (built / "manual").glob("*.html"))
    if not chapters:
        pytest.skip("there is no user manual yet (docs/user-manual)")
    page = desk.open(role=None, width=360, height=740)
    wrong = []
    for number, chapter in enumerate(chapters):
        name = ("light", "dark", "night")[number % 3]
        page.evaluate("name => localStorage.setItem('goodman-theme', name)", name)
        page.goto(f"{observatory.web}manual/{chapter}")
        assert theme(page) == name
        wrong += [f"{chapter}, {name}: {one}" for one in violations(page)]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wrong.append(f"{chapter} scrolls sideways")
    assert not wrong, "\n".join(wrong)
