"""TRIMSEC as it is found in headers, and what is made of it."""

from __future__ import annotations

import pytest

from chalicelib.science.section import is_full_width, section


@pytest.mark.parametrize(
    ("text", "shape", "binning", "camera", "rows", "columns"),
    [
        ("[26:2055,2:948]", (948, 2071), (2, 2), "Red", (1, 948), (25, 2055)),
        ("[51:4110,2:1896]", (1896, 4142), (1, 1), "Red", (1, 1896), (50, 4110)),
        ("[1:4142,1:400]", (200, 2071), (2, 2), "Blue", (1, 200), (10, 2055)),  # unbinned and the whole frame
        ("[1:4142,1:400]", (200, 4142), (1, 2), "Blue", (1, 200), (20, 4110)),
        ("[1:4142,1:400]", (400, 4142), (1, 1), "Red", (1, 400), (50, 4142)),
        ("[30:4110,1:1896]", (1896, 4142), (1, 1), "Blue", (1, 1896), (29, 4110)),
        ("[101:4000,21:380]", (200, 2071), (2, 2), "Blue", (10, 190), (50, 2000)),  # unbinned units
        ("[26:2072,2:960]", (948, 2071), (2, 2), "Red", (1, 948), (25, 2071)),  # a few pixels longer than the frame
        ("[26:2055,2:1100]", (948, 2071), (2, 2), "Red", (1, 948), (25, 2055)),
        ("[1:4142,1:960]", (948, 4142), (1, 2), "Red", (1, 948), (50, 4142)),
        ("[1:1036,2:480]", (474, 1035), (4, 4), "Blue", (1, 474), (5, 1027)),
        ("[1:4142,1:1896]", (474, 1035), (4, 4), "Blue", (1, 474), (5, 1027)),  # unbinned, four to a pixel
        ("[101:4000,21:900]", (948, 2071), (2, 2), "Blue", (1, 948), (50, 2000)),  # unbinned: too few rows of it
        ("[51:4150,2:1900]", (1896, 4142), (1, 1), "Red", (1, 1896), (50, 4142)),
        ("[5000:6000,1:200]", (200, 2071), (2, 2), "Blue", (1, 200), (10, 2055)),
        ("[1:10,1:10]", (200, 2071), (2, 2), "Blue", (1, 200), (10, 2055)),
        ("[2055:26,948:2]", (948, 2071), (2, 2), "Blue", (1, 948), (10, 2055)),
        ("nonsense", (948, 2071), (2, 2), "", (1, 948), (25, 2055)),
        (None, (948, 2071), (2, 2), "Red", (1, 948), (25, 2071)),
        ("[1:3096,1:3096]", (1548, 1548), (2, 2), "Red", (1, 1548), (0, 1548)),  # imaging: no prescan
        ("[1:400,1:1896]", (1896, 400), (1, 1), "Blue", (1, 1896), (0, 400)),
        ("[1:4142,1:500]", (10, 10), (1, 1), "Blue", (0, 10), (0, 10)),
    ],
)
def test_section(text, shape, binning, camera, rows, columns):
    found = section(text, shape, binning, camera)
    assert [(s.start, s.stop) for s in found] == [rows, columns]


@pytest.mark.parametrize(
    ("columns", "binning", "full"), [(2071, 2, True), (4142, 1, True), (1035, 4, True), (3096, 1, False)]
)
def test_full_width(columns, binning, full):
    assert is_full_width(columns, binning) is full


def test_real_flats_are_lit_inside_the_default_section_only(shared_data):
    """The section was made from the chip; a flat of another day must agree: dark outside, light at once inside."""
    import numpy as np

    from chalicelib.science import rawfile

    path = next((shared_data / "sn2018oh_blue_20180204").glob("*QuFlat*"))
    data = rawfile.read_raw(path.read_bytes()).data
    rows, columns = section("[1:4142,1:400]", data.shape, (2, 2), "Blue")
    profile = np.median(data, axis=0)
    assert profile[:8].max() < 440
    assert profile[2060:].max() < 440
    assert profile[columns].min() > 1100
    assert data[0].min() == 0  # the first row has wrapped around
    assert rows.start == 1
