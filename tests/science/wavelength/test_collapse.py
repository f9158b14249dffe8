"""An arc is collapsed along its lines, whatever its tilt, binning and window."""

import numpy as np
import pytest

from chalicelib.science.errors import CalibrationMismatch, UnusableFrame
from chalicelib.science.frame import Frame, Geometry
from chalicelib.science.spectrum import Trace
from chalicelib.science.wavelength import collapse_arc
from chalicelib.science.wavelength.grating import Grating
from chalicelib.science.wavelength.lines import measure
from chalicelib.science.wavelength.match import Shape

from .lamps import draw, tilted_frame

SHAPE = Shape(Grating(400, 7.5, 16.1), (0.0,))
COLUMNS = 150.0 + 130 * np.arange(29)


def spectrum():
    return draw(SHAPE, SHAPE.wavelength(COLUMNS), np.full(len(COLUMNS), 5e3), noise=0)


def trace_at(row: float) -> Trace:
    return Trace((row,), (0.0, 4141.0), 0.05, 6.0, "moffat")


@pytest.mark.parametrize("tilt", [0.0, 0.9, -1.8])
def test_lines_stay_sharp_and_follow_the_trace(tilt):
    frame = tilted_frame(spectrum(), tilt)
    for row in (20.0, 60.0, 100.0):
        lines = measure(collapse_arc(frame, trace_at(row)))
        y = 2 * row / 119 - 1
        expected = COLUMNS + tilt * y + 0.3 * tilt * y**2
        offset = lines.column[:, None] - expected
        offset = offset[np.arange(len(lines)), np.abs(offset).argmin(axis=1)]
        assert abs(np.median(offset)) < 0.04, row
        assert lines.fwhm < 3.35


def test_other_binning_of_the_arc_gives_the_same_detector_columns():
    one = tilted_frame(spectrum(), 0.0, rows=60, binning=(1, 2))
    lines = measure(collapse_arc(one, trace_at(60.5)))
    assert len(lines) == len(COLUMNS)
    assert np.median(np.abs(lines.column - COLUMNS)) < 0.03


def test_trace_outside_the_window_is_a_mismatch():
    with pytest.raises(CalibrationMismatch, match="region of interest"):
        collapse_arc(tilted_frame(spectrum(), 0.0), trace_at(800.0))


def test_dark_frame_is_refused():
    zeros = np.zeros((50, 500), np.float32)
    with pytest.raises(UnusableFrame, match="no light"):
        collapse_arc(Frame(zeros, zeros + 25, np.zeros((50, 500), np.uint8), Geometry()))


def test_a_cosmic_ray_is_not_a_line():
    frame = tilted_frame(spectrum(), 0.5)
    data = frame.data.copy()
    data[60, 300:306] += 3e4
    clean = collapse_arc(frame)
    hit = collapse_arc(frame.with_data(data=data))
    assert np.max(np.abs(hit.flux - clean.flux)) < 6 * np.sqrt(np.median(clean.variance))
