"""The 2-D viewer: how it is shown, and targets that are dragged and extracted anew."""

from __future__ import annotations

from typing import Any

import pytest

from tests.page.desk import Desk
from tests.page.observatory import Observatory


@pytest.fixture
def page(desk: Desk, night: Observatory) -> Any:
    """A reduced frame of the PI."""
    opened = desk.open(f"data/{night.file(night.spectra[0], 2)['id']}")
    opened.get_by_role("img", name="Image of").wait_for()
    return opened


def drawn(page: Any) -> str:
    return page.evaluate("document.querySelector('.image-stage canvas').toDataURL()")


def changed(page: Any, before: str) -> None:
    """Return when the picture is another."""
    page.wait_for_function("before => document.querySelector('.image-stage canvas').toDataURL() !== before", arg=before)


def test_stretch_limits_and_colours(page: Any):
    from playwright.sync_api import expect

    for label, option in (("Stretch", "Logarithm"), ("Limits", "95 %")):
        before = drawn(page)
        page.get_by_label(label, exact=True).select_option(label=option)
        changed(page, before)
    colours = page.get_by_label("Colours", exact=True)
    before = drawn(page)
    colours.select_option(index=2)
    changed(page, before)
    before = drawn(page)
    page.keyboard.press("Escape")
    page.locator("h1").first.click()
    page.keyboard.press("i")
    expect(page.get_by_role("checkbox", name="Invert")).to_be_checked()
    changed(page, before)


def test_the_red_theme_shows_a_red_image(page: Any, desk: Desk):
    desk.expect_errors("willReadFrequently")  # the browser's advice to who reads a canvas, as this test does
    page.keyboard.press("t")
    page.keyboard.press("t")
    page.wait_for_function("document.documentElement.dataset.theme === 'night'")
    page.wait_for_function("""() => {
      const canvas = document.querySelector('.image-stage canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      for (let i = 0; i < data.length; i += 4) {
        if (Math.max(data[i + 1], data[i + 2]) > 0.85 * data[i] + 8) return false;
      }
      return true;
    }""")


def test_values_are_read(page: Any):
    from playwright.sync_api import expect

    page.get_by_role("img", name="Image of").hover()
    expect(page.locator(".image-readout")).to_contain_text("e⁻")


def test_the_picture_and_the_file_are_saved(page: Any, night: Observatory):
    name = night.file(night.spectra[0], 2)["file_name"]
    for button, saved in (("PNG", name.replace(".fits", ".png")), ("FITS", name)):
        with page.expect_download() as download:
            page.get_by_role("button", name=button, exact=True).click()
        assert download.value.suggested_filename == saved


def test_who_draws_apertures_is_not_led_away(desk: Desk, night: Observatory):
    """Following stops at the file that is drawn on, until one says so."""
    from playwright.sync_api import expect

    page = desk.open("data?obstype=SPECTRUM&tab=2")
    expect(page.get_by_text("targets with trace and zones")).to_be_visible()
    expect(page.get_by_label("Follow the newest")).to_be_checked()
    page.get_by_role("button", name="Edit apertures").click()
    expect(page.get_by_text("Following is paused while you edit; press f to follow again.")).to_be_visible()
    expect(page.get_by_label("Follow the newest")).not_to_be_checked()
    expect(page.get_by_role("button", name="Re-extract")).to_be_visible()
    page.get_by_role("button", name="Edit apertures").click()
    page.keyboard.press("f")
    expect(page.get_by_label("Follow the newest")).to_be_checked()


def test_an_aperture_is_dragged_and_extracted_anew(page: Any, night: Observatory):
    """Dragged with the mouse on the image; the new product opens by itself and is the user's own choice."""
    from playwright.sync_api import expect

    page.get_by_role("button", name="Edit apertures").click()
    upper = page.get_by_role("spinbutton", name="Target 1: aperture to")
    before = float(upper.input_value())
    canvas = page.get_by_role("img", name="Image of")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for _ in range(4):
        page.get_by_role("button", name="Zoom in", exact=True).click()
    # The image was zoomed about its middle: the edge is looked for along the column in the middle of the screen.
    x = box["x"] + box["width"] / 2
    found = None
    for step in range(4, int(box["height"]) - 4, 3):
        page.mouse.move(x, box["y"] + step)
        if page.evaluate("document.querySelectorAll('.image-stage canvas')[1].style.cursor") == "ns-resize":
            found = box["y"] + step
            break
    assert found, "no edge of a zone was found on the image"
    values = [field.input_value() for field in page.get_by_role("spinbutton").all()]
    page.mouse.down()
    page.mouse.move(x, found + 12, steps=4)
    page.mouse.up()
    assert [field.input_value() for field in page.get_by_role("spinbutton").all()] != values, "the drag changed nothing"
    upper.fill(str(before + 1))
    page.get_by_role("button", name="Re-extract").click()
    expect(page.locator(".product-head").get_by_text("apertures of pi")).to_be_visible(timeout=90_000)
    own = [one for one in night.files(data_type=3) if one["variant"] != "auto"]
    assert own, "the product is the user's own"
    expect(page.get_by_role("button", name="Take back")).to_be_visible()
