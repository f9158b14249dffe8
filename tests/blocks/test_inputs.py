"""From a step's inputs to what the science functions take."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from chalicelib.blocks import inputs
from chalicelib.domain import headers
from chalicelib.science import bias
from chalicelib.science.frame import MaskBit, RawFrame

CARDS = {"INSTRUME": "Goodman Spectro", "NAXIS": 2, "NAXIS1": 2071, "NAXIS2": 120, "CCDSUM": "2 2",
         "DATE-OBS": "2026-03-04T03:00:00", "GRATING": "400_SYZY", "OBSTYPE": "SPECTRUM", "CAM_TARG": 16.1,
         "GRT_TARG": 7.5}  # fmt: skip


@pytest.mark.parametrize(
    ("camera", "gain", "read_noise", "half", "full"),
    [
        ("Blue", 5.67, 8.62, 12328, 24656),
        ("Red", 3.87, 7.05, 26486, 52972),
        ("Blue", 1.40, 4.74, 49928, 65535),
        ("Red", 1.48, 3.89, 69257, 65535),
        ("Red", 9.99, 3.89, 65535, 65535),  # a mode that is not listed
    ],
)
def test_a_pixel_is_saturated_at_the_full_well_and_flats_are_judged_by_half_of_it(camera, gain, read_noise, half, full):
    o = headers.observe({**CARDS, "INSTCONF": camera, "GAIN": gain, "RDNOISE": read_noise})
    detector = inputs.detector_of(o)
    assert (detector.saturation, detector.half_full_well) == (full, half)
    data = np.full((120, 2071), 500.0, np.float32)
    data[50, 1000:1003] = 0.9 * full, full - 1, full
    part = (slice(1, 120), slice(25, 2055))
    frame = bias.subtract(RawFrame(data, fits.Header()), detector, None, part).frame
    assert list(frame.mask[49, 975:978]) == [0, 0, MaskBit.SATURATED]
