"""The 1-D viewer: zoom, read, lay lines over it, take it along."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits

from tests.page.desk import Desk
from tests.page.observatory import Observatory


@pytest.fixture
def page(desk: Desk, night: Observatory) -> Any:
    """A calibrated spectrum of the PI."""
    opened = desk.open(f"data/{night.file(night.spectra[0])['id']}")
    opened.get_by_role("img", name="Plot of SPECTRUM").wait_for()
    return opened


def summary(page: Any) -> Any:
    return page.locator(".spectrum-summary")


def test_zoom_and_read_values(page: Any):
    from playwright.sync_api import expect

    plot = page.locator(".spectrum-plot .chart-over")
    box = plot.bounding_box()
    expect(summary(page)).not_to_contain_text("In view")
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    expect(summary(page)).to_contain_text(re.compile(r"In view: \d+\.\d to \d+\.\d Å"))
    reading = page.locator(".spectrum-readout")
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
    expect(reading).to_contain_text(re.compile(r"\d{4}\.\d\d Å.*± .*S/N"))
    page.keyboard.press("0")
    expect(summary(page)).not_to_contain_text("In view")
    page.keyboard.press("+")
    expect(summary(page)).to_contain_text("In view")
    before = reading.inner_text()
    page.keyboard.press(".")
    expect(reading).not_to_have_text(before)


def test_lines_at_a_redshift(page: Any):
    from playwright.sync_api import expect

    page.get_by_role("button", name="Lines", exact=True).click()
    field = page.get_by_role("spinbutton", name="Redshift z")
    field.fill("0.0123")
    expect(page.get_by_text("cz = 3,687 km/s")).to_be_visible()
    expect(page).to_have_url(re.compile(r"[?&]sz=0\.0123"))
    page.reload()
    expect(page.get_by_role("spinbutton", name="Redshift z")).to_have_value("0.0123")


def test_chosen_line_lists_are_remembered(page: Any):
    from playwright.sync_api import expect

    page.keyboard.press("l")
    box = page.get_by_role("group", name="Lines")
    box.get_by_label("Hydrogen").uncheck()
    box.get_by_label("Galaxy emission").uncheck()
    expect(box).to_be_visible()  # whoever takes the last one away is choosing
    box.get_by_label("Supernovae").check()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("l")
    expect(box).to_have_count(0)
    page.keyboard.press("l")
    expect(box.get_by_label("Supernovae")).to_be_checked()
    expect(box.get_by_label("Hydrogen")).not_to_be_checked()


def test_it_moves_without_dragging(page: Any):
    from playwright.sync_api import expect

    page.get_by_role("button", name="Zoom in (+)").click()
    expect(summary(page)).to_contain_text("In view")
    before = summary(page).inner_text()
    page.get_by_role("button", name="Move to the right").click()
    expect(summary(page)).not_to_have_text(before)
    page.get_by_role("button", name="Move to the left").click()
    expect(summary(page)).to_have_text(before)


def test_it_is_exported_as_shown(page: Any, tmp_path: Path):
    from playwright.sync_api import expect

    page.get_by_role("button", name="Export").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV of what is in view").click()
    rows = [line for line in saved.value.path().read_text().splitlines() if not line.startswith("#")]
    table = list(csv.reader(io.StringIO("\n".join(rows))))
    assert len(table) > 1000
    expect(page.locator(".spectrum-summary")).to_contain_text(f"{len(table) - 1:,} columns")


def test_the_fits_file_opens(page: Any, night: Observatory):
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download", exact=True).click()
    record = night.file(night.spectra[0])
    assert saved.value.suggested_filename == record["file_name"]
    with fits.open(saved.value.path()) as file:
        file.verify("exception")
        assert any(hdu.data is not None for hdu in file)
        assert file[0].header["OBJECT"] == record["object"]
