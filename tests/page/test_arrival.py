"""A night arrives while somebody watches: nothing is reloaded, nothing is asked for by hand."""

from __future__ import annotations

import re

from tests.page.desk import Desk, sign_in
from tests.page.observatory import Observatory


def test_frames_appear_by_themselves(desk: Desk, observatory: Observatory):
    """From the sign-in of an observer before the first frame to the calibrated spectrum of the last one."""
    from playwright.sync_api import expect

    page = desk.open("data", role=None)
    sign_in(page, observatory.logins["pi"])
    rows = page.get_by_role("list", name="Observed files")
    expect(page.get_by_text("No frame has come yet.").first).to_be_visible()
    page.evaluate("window.stayed = true")

    *calibrations, first, second, _ = observatory.names
    for name in calibrations:
        observatory.upload(name)
    observatory.upload(first)
    expect(rows.get_by_role("link").filter(has_text=first)).to_be_visible()
    expect(page.get_by_role("heading", level=1, name=first)).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_attached()

    # What somebody is writing stays where it is, whatever comes meanwhile.
    page.get_by_role("tab", name="Comments").click()
    comment = page.get_by_label("New comment")
    comment.fill("Half a sentence about")
    expect(page.get_by_text("Following is paused while you edit")).to_be_visible()
    step = page.get_by_role("tab", selected=True, name=re.compile("Observed raw|Reduced|Extracted|Wavelength"))
    shown = step.inner_text()  # its raw frame, or what had come of it by then
    for name in observatory.names:
        observatory.upload(name)
    expect(rows.get_by_role("link").filter(has_text=second)).to_be_visible()
    done = rows.get_by_role("link").filter(has_text=first).filter(has_text="Done")
    expect(done).to_be_visible(timeout=90_000)
    news = page.get_by_role("status").get_by_role("button", name="New: ")
    expect(news).to_contain_text("(f)")
    expect(comment).to_be_focused()
    expect(comment).to_have_value("Half a sentence about")
    expect(step).to_have_text(shown)
    expect(page).to_have_title(re.compile(rf"^(\w+_)?{re.escape(first)} .* · Data · Goodman Live$"))
    news.click()  # who says so is led away; what was begun is kept
    expect(page.get_by_role("heading", level=1)).not_to_have_text(first)
    expect(page.get_by_label("Follow the newest")).to_be_checked()
    expect(news).to_have_count(0)
    page.get_by_role("tab", name="View").click()

    expect(done).to_contain_text("S/N")  # what was measured stands in the list
    done.click()
    expect(page.get_by_role("tab", name="Wavelength calibrated")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("img", name="Plot of SPECTRUM")).to_be_visible()
    assert page.evaluate("window.stayed"), "the page was loaded again"
    observatory.reduce()
