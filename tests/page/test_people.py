"""Who may what, and what happens to somebody whose session or network ends."""

from __future__ import annotations

import re

from tests.page.desk import Desk, settled, sign_in
from tests.page.observatory import PROPOSAL, Observatory

REFUSED = r"Failed to load resource: the server responded with a status of 4\d\d"
OFFLINE = r"net::ERR_INTERNET_DISCONNECTED"


def test_a_wrong_password_is_said(desk: Desk, observatory: Observatory):
    from playwright.sync_api import expect

    desk.expect_errors(REFUSED)
    page = desk.open(role=None)
    page.get_by_label("User name or e-mail address").fill("pi")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    sign_in(page, observatory.logins["pi"])
    session = page.evaluate("JSON.parse(sessionStorage.getItem('goodman-session')).token")
    assert session not in page.evaluate("JSON.stringify(localStorage)"), "the token is in this tab only"
    assert session not in page.url
    page.get_by_role("button", name="Logout").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('goodman-session')") is None


def test_a_session_that_ended_goes_on_where_it_was(desk: Desk, night: Observatory):
    from playwright.sync_api import expect

    desk.expect_errors(REFUSED)
    page = desk.open(role=None)
    sign_in(page, night.logins["pi"])
    address = f"data/{night.file(night.spectra[0])['id']}?panel=header"
    page.evaluate("address => { location.hash = '#/' + address }", address)
    expect(page.get_by_role("tab", name="Header")).to_have_attribute("aria-selected", "true")
    night.sign_out(page.evaluate("JSON.parse(sessionStorage.getItem('goodman-session')).token"))
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    sign_in(page, night.logins["pi"])
    expect(page.get_by_role("heading", level=1, name=night.spectra[0])).to_be_visible()
    expect(page.get_by_role("tab", name="Header")).to_have_attribute("aria-selected", "true")


def test_a_lost_connection_is_said_and_comes_back(desk: Desk, night: Observatory):
    from playwright.sync_api import expect

    desk.expect_errors(OFFLINE)
    page = desk.open("data")
    expect(page.locator(".connection.live")).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_text("No connection")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="The connection is lost.")).to_be_attached()
    expect(page.get_by_role("list", name="Observed files")).to_contain_text(night.spectra[0])
    page.context.set_offline(False)
    expect(page.locator(".connection.live")).to_be_visible()


def test_a_stranger_sees_nothing_of_others(desk: Desk, night: Observatory):
    from playwright.sync_api import expect

    desk.expect_errors(REFUSED)
    page = desk.open("data", "stranger")
    expect(page.get_by_text("No frame has come yet.").first).to_be_visible()
    for address in (f"data/{night.file(night.spectra[0])['id']}", f"settings/{night.proposal()}"):
        page.evaluate("address => { location.hash = '#/' + address }", address)
        expect(page.get_by_role("alert").first).to_contain_text(re.compile("Not found|Not for this account"))
    expect(page.get_by_role("link", name="Management")).to_have_count(0)
    page.evaluate("location.hash = '#/management'")
    expect(page.get_by_text("This part is for the observatory's staff.")).to_be_visible()


def test_staff_see_all_and_manage(desk: Desk, night: Observatory):
    from playwright.sync_api import expect

    page = desk.open("data", "staff")
    expect(page.get_by_role("list", name="Observed files")).to_contain_text(night.spectra[0])
    page.get_by_role("link", name="Management").click()
    settled(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Management"))
    expect(page.get_by_role("main")).to_contain_text("second_pi")


def test_a_collaborator_is_added_and_removed(desk: Desk, night: Observatory):
    """The stranger sees the proposal's data from one moment to the next, and not any more from another."""
    from playwright.sync_api import expect

    desk.expect_errors(REFUSED)  # the frame that was open is not theirs any more
    theirs = desk.open("data", "stranger")
    expect(theirs.get_by_text("No frame has come yet.").first).to_be_visible()
    page = desk.open(f"collaborators/{night.proposal()}")
    page.get_by_label("E-mail address").fill("stranger@example.org")
    page.get_by_role("button", name="Add", exact=True).click()
    people = page.get_by_role("region", name=f"Collaborators of {PROPOSAL}")
    expect(people.get_by_role("row").filter(has_text="stranger@example.org")).to_be_visible()
    theirs.reload()
    expect(theirs.get_by_role("list", name="Observed files")).to_contain_text(night.spectra[0])
    people.get_by_role("row").filter(has_text="stranger@example.org").get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(people.get_by_role("row").filter(has_text="stranger@example.org")).to_have_count(0)
    theirs.reload()
    expect(theirs.get_by_text("No frame has come yet.").first).to_be_visible()


def test_the_main_path_needs_no_mouse(desk: Desk, night: Observatory):
    """Sign in, open a spectrum, zoom, lay lines over it, look at its header, comment, sign out: with keys alone."""
    from playwright.sync_api import expect

    page = desk.open(role=None)
    expect(page.get_by_label("User name or e-mail address")).to_be_focused()
    page.keyboard.type("pi")
    page.keyboard.press("Tab")
    page.keyboard.type(night.logins["pi"]["password"])
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Logout").wait_for()
    page.keyboard.press("d")
    expect(page.get_by_role("list", name="Observed files")).to_be_visible()
    name = night.spectra[0]
    heading = page.get_by_role("heading", level=1)
    expect(heading).not_to_have_text("Data")
    for _ in range(len(night.names) + 1):
        if heading.inner_text() == name:
            break
        before = page.url
        page.keyboard.press("j")
        page.wait_for_url(lambda url, before=before: url != before)
        expect(heading).not_to_have_text("Data")
        settled(page)
    expect(heading).to_have_text(name)
    page.get_by_role("img", name="Plot of SPECTRUM").wait_for()
    page.keyboard.press("+")
    expect(page.locator(".spectrum-summary")).to_contain_text("In view")
    page.keyboard.press("l")
    expect(page.get_by_role("group", name="Lines")).to_be_visible()
    page.keyboard.press("]")
    expect(page.get_by_role("tab", name="Extracted")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("[")
    expect(page.get_by_role("tab", name="Wavelength calibrated")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    tab_to(page, "View")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Header")).to_be_focused()
    expect(page.get_by_role("tab", name="Header")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("/")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Data files"))
    page.evaluate("document.activeElement.blur()")
    tab_to(page, "Logout")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def tab_to(page, words: str) -> None:
    """Press Tab until the element with these words has the focus, and see that it shows."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == words:
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"the focus on {words} cannot be seen"
            return
    raise AssertionError(f"{words} cannot be reached with Tab")
