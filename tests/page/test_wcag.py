"""Every page in every theme, on a phone and on a screen: nothing axe objects to, nothing that scrolls sideways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.page.desk import Desk, settled, theme, too_wide, violations
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
COLOURS = ("color-contrast", "link-in-text-block")
"""The rules of axe that a theme can break."""


@pytest.fixture(scope="module")
def ids(observatory: Observatory) -> dict[str, int]:
    """What the addresses name."""
    observatory.reduce()
    spectrum = observatory.file(observatory.spectra[0])
    image = observatory.file(observatory.spectra[0], 2)
    return {
        "spectrum": spectrum["id"],
        "image": image["id"],
        "raw": spectrum["original_file_id"],
        "proposal": observatory.proposal(),
    }


def opened(desk: Desk, ids: dict[str, int], view: str, **look: Any) -> Any:
    address, role = VIEWS[view]
    if role is None:
        desk.expect_errors("Failed to load resource: the server responded with a status of 4")
    page = desk.open(address.format(**ids), role, **look)
    settled(page)
    return page


@pytest.mark.parametrize("view", VIEWS)
def test_anybody_can_use_it(desk: Desk, ids: dict[str, int], view: str):
    """On a phone first, at night, then on a screen, where axe looks at everything, and at another theme's colours."""
    page = opened(desk, ids, view, width=360, height=740, theme="night")
    assert not too_wide(page), "\n".join(too_wide(page)[:10])
    if VIEWS[view][1]:
        menu = page.get_by_role("button", name="Menu")
        menu.click()
        assert page.get_by_role("navigation", name="Main").get_by_role("link").count() >= 5
        menu.click()
    page.set_viewport_size({"width": 1400, "height": 900})
    wrong = violations(page)
    # the colours of one other theme; of all in each, below
    other = ("light", "dark")[list(VIEWS).index(view) % 2]
    wrong += in_theme(page, other)
    assert not wrong, "\n".join(wrong)


def in_theme(page: Any, name: str) -> list[str]:
    """What axe has against the colours of a theme."""
    for _ in range(3):
        if theme(page) == name:
            return [f"{name}: {one}" for one in violations(page, COLOURS)]
        page.evaluate("document.activeElement?.blur()")
        page.keyboard.press("t")
    raise AssertionError(f"the key t does not lead to the theme {name}")


@pytest.mark.long
@pytest.mark.parametrize("view", VIEWS)
def test_colours_of_every_theme(desk: Desk, ids: dict[str, int], view: str):
    page = opened(desk, ids, view)
    wrong = [one for name in ("light", "dark", "night") for one in in_theme(page, name)]
    assert not wrong, "\n".join(wrong)


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
        wrong += [f"{chapter}: {one}" for one in too_wide(page)]
    assert not wrong, "\n".join(wrong)
