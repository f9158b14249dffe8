"""What can be done with a file: another lamp, a comment, settings for the next one."""

from __future__ import annotations

import re
from typing import Any

from tests.page.desk import Desk
from tests.page.observatory import PROPOSAL, Observatory


def test_another_lamp_is_chosen(desk: Desk, night: Observatory):
    from playwright.sync_api import expect

    name = night.spectra[1]
    page = desk.open(f"data/{night.file(name)['id']}")
    page.get_by_role("button", name="Other steps").click()
    page.get_by_role("button", name=re.compile("^Calibrate with a lamp of my choice")).click()
    dialog = page.get_by_role("dialog")
    lamps = dialog.get_by_role("region", name="Comparison lamps").get_by_role("checkbox")
    expect(lamps.first).to_be_attached()
    assert lamps.count() == 2, "one lamp before the exposures, one after"
    lamps.last.check(force=True)
    dialog.get_by_role("button", name="Calibrate with it").click()
    expect(page.get_by_role("button", name="Take back")).to_be_visible(timeout=90_000)
    chosen = [one for one in night.files(data_type=4) if one["variant"] != "auto"]
    assert {one["original_file_id"] for one in chosen} >= {night.file(name, 0)["id"]}


def test_a_comment_is_seen_by_the_others(desk: Desk, night: Observatory):
    """A collaborator who has the same file open sees it come."""
    from playwright.sync_api import expect

    address = f"data/{night.file(night.spectra[0])['id']}?panel=comments"
    theirs = desk.open(address, "collaborator")
    expect(theirs.get_by_text("Nobody has written about this file yet.")).to_be_visible()
    mine = desk.open(address)
    text = "Seeing got worse: 1.4″ & <b>clouds</b>"
    mine.get_by_label("New comment").fill(text)
    mine.get_by_label("New comment").press("Control+Enter")
    for page in (mine, theirs):
        expect(page.locator(".comment").get_by_text(text)).to_be_visible()
    mine.get_by_role("button", name="Remove the comment of pi").click()
    mine.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(theirs.get_by_text("Nobody has written about this file yet.")).to_be_visible()


def test_the_header_is_searched(desk: Desk, night: Observatory):
    from playwright.sync_api import expect

    page = desk.open(f"data/{night.file(night.spectra[0])['id']}?panel=header")
    panel = page.get_by_role("tabpanel", name="Header")
    expect(panel.get_by_role("row").nth(20)).to_be_attached()
    panel.get_by_label("Filter the cards").fill("GRATING")
    expect(panel.get_by_role("row").filter(has_text="GRATING").first).to_be_visible()
    expect(panel.get_by_role("row").filter(has_text="NAXIS1")).to_have_count(0)


def test_the_quality_of_a_spectrum_is_shown(desk: Desk, night: Observatory):
    from playwright.sync_api import expect

    page = desk.open(f"data/{night.file(night.spectra[0])['id']}?panel=quality")
    panel = page.get_by_role("tabpanel", name="Quality")
    expect(panel).to_contain_text("rms")
    expect(panel.get_by_role("img").first).to_be_visible()


def test_a_view_of_the_table_leads_there_and_back(desk: Desk, night: Observatory):
    from playwright.sync_api import expect

    page = desk.open("data?obstype=SPECTRUM")
    page.get_by_role("link", name=re.compile("as table", re.IGNORECASE)).click()
    table = page.get_by_role("table").first
    expect(table.get_by_text(night.spectra[0]).first).to_be_visible()
    expect(table.get_by_text("BIAS", exact=True)).to_have_count(0)
    table.get_by_role("link", name=night.spectra[0]).click()
    rows = page.get_by_role("list", name="Observed files").get_by_role("link")
    expect(rows.filter(has_text=night.spectra[0])).to_be_visible()
    expect(rows.filter(has_text="_comp")).to_have_count(0)
    page.go_back()
    page.go_back()
    expect(page.get_by_role("list", name="Observed files")).to_contain_text(night.spectra[0])


def test_the_list_is_searched_and_gone_along(desk: Desk, night: Observatory):
    """One letter is no search yet, and no error; a key goes to the next frame, also in the wide view."""
    from playwright.sync_api import expect

    page = desk.open(f"data/{night.file(night.spectra[1])['id']}")
    box = page.get_by_label("Search by object or file name")
    box.fill("S")
    expect(page.get_by_text("Type at least 2 letters.")).to_be_visible()
    box.fill("SN2026")
    rows = page.get_by_role("list", name="Observed files").get_by_role("link")
    expect(rows.filter(has_text=night.spectra[0])).to_be_visible()
    box.blur()
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("button", name="Advanced visualization").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(night.spectra[1])
    page.keyboard.press("j")
    expect(heading).to_have_text(night.spectra[0])
    expect(page.get_by_role("button", name="Leave the wide view")).to_be_visible()


def test_changed_settings_are_those_of_the_next_file(desk: Desk, night: Observatory):
    """Two targets were found until now; one is wanted, and the next exposure has one, and says why."""
    from playwright.sync_api import expect

    page = desk.open(f"settings/{night.proposal()}")
    page.get_by_label("Maximum number of targets").fill("1")
    page.get_by_role("button", name="Apply 1 change").click()
    expect(page.get_by_role("heading", name=PROPOSAL)).to_be_visible()
    expect(page.get_by_text("applies to every new file").first).to_be_visible()
    revision = night.ask(f"/proposals/settings/{night.proposal()}")["revision"]

    watching = desk.open("data")
    night.upload(night.late)
    row = watching.get_by_role("list", name="Observed files").get_by_role("link").filter(has_text=night.late)
    expect(row.filter(has_text="Done")).to_be_visible(timeout=90_000)
    expect(watching.get_by_text(f"settings revision {revision}")).to_be_visible()
    made: list[Any] = [
        one for one in night.files(data_type=4) if one["original_file_id"] == night.file(night.late, 0)["id"]
    ]
    assert [one["target"] for one in made] == [1]
