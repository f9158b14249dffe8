"""Bias subtraction: aligned to the pixel, honest about its noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chalicelib.science import bias, combine
from chalicelib.science.errors import CalibrationMismatch
from chalicelib.science.frame import Frame, Geometry, MaskBit
from tests.science.readout import BLUE, RED, SHAPE, expose, structure

PART = (slice(1, SHAPE[0]), slice(10, 2055))


@pytest.fixture(scope="module")
def master():
    rng = np.random.default_rng(1)
    frames = [expose(rng, 0.0, level=434 + d) for d in rng.uniform(-1, 1, 10)]
    return combine.combine_bias(frames, BLUE).frame


@pytest.mark.parametrize("level", [433.0, 434.0, 435.5])
def test_dark_frames_come_out_at_zero_with_the_noise_they_claim(master, level):
    raw = expose(np.random.default_rng(int(level)), 0.0, level=level)
    frame = bias.subtract(raw, BLUE, master, PART).frame
    pull = frame.data / np.sqrt(frame.variance)
    assert abs(frame.data[5:].mean()) < 0.6  # four times the error of the level of so few dark pixels
    assert pull[5:].std() == pytest.approx(1.0, abs=0.03)
    hot = frame.data[:, SHAPE[1] // 2 - 10]
    assert abs(np.median(hot)) < 2  # the hot column has gone
    assert frame.geometry.corner == (10, 1)


def test_variance_is_poisson_plus_read_noise_plus_master(master):
    raw = expose(np.random.default_rng(2), 900.0)
    result = bias.subtract(raw, BLUE, master, PART)
    frame = result.frame
    expected = 900 + result.read_noise**2 + np.median(master.variance)
    assert np.median(frame.variance) == pytest.approx(expected, rel=0.01)
    assert ((frame.data - 900) / np.sqrt(expected)).std() == pytest.approx(1.0, abs=0.03)
    assert result.read_noise == pytest.approx(4.74, rel=0.05)  # measured between the members
    assert result.read_noise != 4.74


def test_without_any_master_the_frame_s_own_level_serves_and_it_is_said():
    result = bias.subtract(expose(np.random.default_rng(3), 100.0), BLUE, None, PART)
    assert np.median(result.frame.data) == pytest.approx(100, abs=5)
    assert "no master bias" in result.note


def test_without_master_and_dark_columns_the_noise_is_measured():
    """The sky under the darkest part is lost with the pedestal, but its photon noise must not be."""
    raw = expose(np.random.default_rng(4), 400.0, RED, shape=(200, 300))
    result = bias.subtract(raw, RED, None, (slice(1, 200), slice(0, 300)))
    assert "darkest" in result.note
    assert np.median(result.frame.variance) == pytest.approx(400 + RED.read_noise**2, rel=0.1)


def test_saturated_wrapped_and_missing_pixels_are_masked(master):
    raw = expose(np.random.default_rng(5), 100.0)
    raw.data[20, 30], raw.data[21, 31], raw.data[22, 32], raw.data[23, 33] = 49928, 65535, 0, np.nan
    frame = bias.subtract(raw, BLUE, master, PART).frame
    assert frame.mask[19, 20] == MaskBit.SATURATED
    assert frame.mask[20, 21] == MaskBit.SATURATED
    assert frame.mask[21, 22] == MaskBit.SATURATED | MaskBit.BAD
    assert frame.mask[22, 23] == MaskBit.BAD
    assert np.isfinite(frame.data).all()
    assert np.isfinite(frame.variance).all()
    assert np.count_nonzero(frame.mask) == 4


def test_a_trimmed_master_is_aligned_by_its_geometry(master):
    raw = expose(np.random.default_rng(6), 200.0)
    whole = bias.subtract(raw, BLUE, master, PART).frame
    cut = Frame(
        master.data[1:, 5:], master.variance[1:, 5:], master.mask[1:, 5:], master.geometry.cut(5, 1), master.header
    )
    np.testing.assert_array_equal(bias.subtract(raw, BLUE, cut, PART).frame.data, whole.data)


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        (Geometry((1, 2)), "binned 1x2"),
        (Geometry((2, 2), roi_origin=(0, 1800)), "another part of the detector"),
        (Geometry((2, 2), corner=(40, 1)), "does not cover"),
    ],
)
def test_a_master_that_does_not_fit_is_refused_with_the_reason(master, geometry, words):
    raw = expose(np.random.default_rng(7), 200.0)
    with pytest.raises(CalibrationMismatch, match=words):
        bias.subtract(raw, BLUE, replace(master, geometry=geometry), PART)


def test_an_unbelievable_read_noise_is_not_taken_from_the_master(master):
    header = master.header.copy()
    header[bias.READ_NOISE_CARD] = 40.0
    assert bias.read_noise(BLUE, replace(master, header=header)) == BLUE.read_noise


def test_structure_is_what_the_test_frames_have(master):
    """The master holds the structure of the builder (minus the level of the dark columns) to its own noise."""
    expected = structure() - structure()[3:, :8].mean()
    pull = (master.data / BLUE.gain - expected) * BLUE.gain / np.sqrt(master.variance)
    assert abs(np.median(pull)) < 0.2
    assert pull.std() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("made", "used"), [(1.45, 1.47), (1.47, 1.45), (3.77, 3.78)])
@pytest.mark.parametrize("own_card", [True, False])
def test_a_master_of_the_other_gain_of_its_mode_leaves_no_pedestal(made, used, own_card):
    """Without dark columns the master holds the whole level: hundreds of ADU in the electrons of its own gain."""
    rng = np.random.default_rng(41)
    first, second = (replace(RED, gain=gain, read_noise=5.27) for gain in (made, used))
    shape, part = (200, 300), (slice(1, 200), slice(0, 300))
    frames = [expose(rng, 0.0, first, level=960.0, shape=shape) for _ in range(5)]
    master = combine.combine_bias(frames, first).frame
    if not own_card:  # a master of before, which has the gain of its first member only
        del master.header[bias.GAIN_CARD]
    result = bias.subtract(expose(rng, 250.0, second, level=960.0, shape=shape), second, master, part)
    assert np.median(result.frame.data) == pytest.approx(250, abs=1.5)
    assert result.read_noise == pytest.approx(5.27, rel=0.05)
    assert np.median(result.frame.variance) == pytest.approx(250 + 5.27**2 + np.median(master.variance), rel=0.02)
    flats = [expose(rng, 9000.0, second, level=960.0, shape=shape) for _ in range(3)]
    flat = combine.combine_flat(flats, second, master).frame
    assert np.median(flat.data[1:]) == pytest.approx(9000, abs=3)


@pytest.mark.parametrize("gain", ["unknown", 0.0, 5.6, None])
def test_a_gain_that_is_none_of_the_mode_scales_nothing(master, gain):
    header = master.header.copy()
    del header[bias.GAIN_CARD]
    if gain is None:
        header.remove("GAIN")
    else:
        header["GAIN"] = gain
    assert bias.rescaled(replace(master, header=header), BLUE) == 1.0
