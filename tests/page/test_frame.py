"""What surrounds every view: the theme before it is drawn, keys, notices of failures, forms that are left, titles."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.page.desk import Desk, settled, sign_in, theme, too_wide
from tests.page.observatory import NIGHT, PROPOSAL, Observatory

REFUSED = r"Failed to load resource: the server responded with a status of 4\d\d"


def test_the_theme_is_there_before_the_page(desk: Desk, observatory: Observatory):
    """Nothing but the small script of the head has run: a white window at night dazzles."""
    desk.expect_errors("net::ERR_FAILED")
    page = desk.open(role=None, theme="night")
    page.get_by_role("heading", name="Sign in").wait_for()
    page.route("**/assets/main-*", lambda route: route.abort())
    page.reload()
    assert page.locator(".boot").is_visible(), "the page itself has not begun"
    assert theme(page) == "night"


def test_failures_are_told_on_every_page_and_stay(desk: Desk, night: Observatory):
    from playwright.sync_api import expect

    failed = [night.file(name, 0) for name in night.spectra[:2]]
    told: list[int] = []

    def feed(route: Any) -> None:
        after = parse_qs(urlsplit(route.request.url).query).get("after")
        if not after or told:
            return route.continue_()
        told.append(1)
        common = {"time": "2026-08-15T04:31:07+00:00", "night": NIGHT, "proposal": PROPOSAL, "actor": "pipeline"}
        events = [
            common
            | {"id": f"none-{one['id']}", "block": "extract", "outcome": "failed", "sentence": "No target was found."}
            | {"file_id": one["id"], "file_name": one["file_name"]}
            for one in failed
        ]
        return route.fulfill(json={"events": events, "cursor": after[0], "more": False})

    page = desk.open("proposals")
    page.clock.install()
    page.route("**/api/events*", feed)
    notice = page.locator(".notice.bad")
    expect(notice).to_have_count(1)
    expect(notice).to_contain_text("2 frames failed.")
    page.clock.fast_forward(20_000)  # longer than news that goes by itself
    expect(notice).to_have_count(1)
    notice.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Night 2026-08-14")
    expect(notice).to_have_count(0)
    expect(page).to_have_title("2026-08-14 · Night · Goodman Live")


def test_keys_of_one_letter_can_be_turned_off(desk: Desk, night: Observatory):
    from playwright.sync_api import expect

    page = desk.open("data")
    settled(page)
    page.keyboard.press("d")
    expect(page).to_have_url(re.compile("#/data$"))
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").get_by_label("Keys of one letter or sign").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    assert theme(page) == "light"
    page.reload()
    settled(page)
    page.keyboard.press("/")
    expect(page).to_have_url(re.compile("#/data$"))
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").get_by_label("Keys of one letter or sign").check()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    box = page.locator(".filters input[type=search]")
    expect(box).to_be_focused()
    page.keyboard.type("SN")
    expect(page).to_have_url(re.compile("search=SN"))
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    expect(box).to_be_focused()
    expect(page).to_have_url(re.compile("search=SN"))


def test_a_form_with_changes_is_not_left_silently(desk: Desk, night: Observatory):
    from playwright.sync_api import expect

    page = desk.open("search", role=None)
    sign_in(page, night.logins["pi"])  # a session of its own: it is ended below
    settled(page)
    page.evaluate("id => { location.hash = `#/settings/${id}` }", night.proposal())
    targets = page.get_by_label("Maximum number of targets")
    targets.fill("7")
    questions: list[str] = []
    answer = "dismiss"

    def asked(dialog: Any) -> None:
        questions.append(dialog.message)
        getattr(dialog, answer)()

    page.on("dialog", asked)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("d")
    page.get_by_role("link", name="Logs").click()
    page.get_by_role("button", name="Logout").click()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Data reduction settings")
    expect(targets).to_have_value("7")
    expect(page).to_have_title("Data reduction settings · Goodman Live")
    assert len(questions) == 4
    assert all("not applied" in one for one in questions)
    answer = "accept"
    page.get_by_role("link", name="Logs").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Logs")
    page.get_by_role("button", name="Logout").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert len(questions) == 5, "once for the same changes, and not where there are none any more"


def test_what_was_typed_is_there_after_a_session_that_ended(desk: Desk, night: Observatory):
    from playwright.sync_api import expect

    desk.expect_errors(REFUSED)
    page = desk.open(role=None)
    sign_in(page, night.logins["pi"])
    page.evaluate("id => { location.hash = `#/settings/${id}` }", night.proposal())
    page.get_by_label("Maximum number of targets").fill("7")
    night.sign_out(page.evaluate("JSON.parse(sessionStorage.getItem('goodman-session')).token"))
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    for _ in range(3):
        page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, night.logins["pi"])
    expect(page.get_by_label("Maximum number of targets")).to_have_value("7")
    page.get_by_role("button", name="Apply 1 change").wait_for()


def test_somebody_else_finds_nothing_of_whom_was_there(desk: Desk, night: Observatory):
    from playwright.sync_api import expect

    page = desk.open(f"data/{night.file(night.spectra[0])['id']}", role=None)
    sign_in(page, night.logins["pi"])
    page.get_by_role("img", name="Plot of SPECTRUM").wait_for()
    page.wait_for_function("async () => (await caches.keys()).length > 0")
    page.get_by_role("button", name="Logout").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.wait_for_function("async () => (await caches.keys()).length === 0")


def test_what_was_missed_while_hidden_is_looked_at(desk: Desk, night: Observatory):
    """The connection is lost, the tab is put aside and looked at again: the list is read anew."""
    from playwright.sync_api import expect

    desk.expect_errors("net::ERR_INTERNET_DISCONNECTED")
    page = desk.open("data")
    expect(page.locator(".connection.live")).to_be_visible()

    def hide(hidden: bool) -> None:
        page.evaluate(
            "hidden => { Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});"
            "document.dispatchEvent(new Event('visibilitychange')) }",
            hidden,
        )

    page.context.set_offline(True)
    expect(page.get_by_text("No connection")).to_be_visible()
    hide(True)
    page.get_by_role("button", name=re.compile("Next try|Trying")).click()
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    page.context.set_offline(False)
    with page.expect_request(re.compile(r"/api/files/?\?")):
        hide(False)
    expect(page.locator(".connection.live")).to_be_visible()


def test_a_phone_says_that_the_connection_is_lost(desk: Desk, night: Observatory):
    from playwright.sync_api import expect

    desk.expect_errors("net::ERR_INTERNET_DISCONNECTED")
    page = desk.open("management", "superuser", width=360, height=740)
    expect(page.locator(".connection.live")).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_text("No connection")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Next try|Trying"))).to_be_visible()
    assert not too_wide(page)


@pytest.mark.parametrize("view", ["data", "logs?all=1"])
def test_times_say_that_they_are_ut(desk: Desk, night: Observatory, view: str):
    """On a phone, too, which has no hover."""
    from playwright.sync_api import expect

    page = desk.open(view, width=360, height=740)
    settled(page)
    if view == "data":
        page.get_by_role("button", name="Files").click()
    expect(page.locator("li time").first).to_have_text(re.compile(r"\d UT$"))
    wide = page.evaluate("""() => [...document.querySelectorAll('li time')].filter(one => {
      const [mine, box] = [one.getBoundingClientRect(), one.closest('li').getBoundingClientRect()];
      return mine.right > box.right + 1 || mine.height > 30;
    }).length""")
    assert not wide
