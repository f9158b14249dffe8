"""Masters: members that do not belong are dropped with a reason, rays and outliers do not get in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chalicelib.science import bias, combine
from chalicelib.science.errors import UnusableFrame
from chalicelib.science.frame import MaskBit, RawFrame
from tests.science.readout import BLUE, RED, SHAPE, expose


def biases(rng, n=5, detector=BLUE, **named):
    return [expose(rng, 0.0, detector, level=434 + d, **named) for d in rng.uniform(-1, 1, n)]


def rejected(result):
    return dict(result.rejected)


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_variance_of_the_mean_is_what_repetition_shows(n):
    rng = np.random.default_rng(n)
    first, second = (combine.combine_bias(biases(rng, n), BLUE).frame for _ in range(2))
    pull = (first.data - second.data) / np.sqrt(first.variance + second.variance)
    assert pull[2:, 20:2040].std() == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_rays_on_a_member_do_not_reach_the_master(n):
    rng = np.random.default_rng(10 + n)
    frames = biases(rng, n)
    frames[1].data[30:40, 500:520] += 3000.0
    master = combine.combine_bias(frames, BLUE).frame
    assert np.abs(master.data[30:40, 500:520]).max() < 6 * BLUE.read_noise


def test_a_frame_with_light_is_no_bias():
    rng = np.random.default_rng(20)
    frames = biases(rng, 6)
    frames[1] = expose(rng, 400.0)  # a flat under the wrong name
    frames[3] = expose(rng, np.where(np.arange(SHAPE[1]) > 1700, 12.0, 0.0))  # a leak in a corner
    frames[4] = expose(rng, 0.0, level=480.0)  # another readout mode
    result = combine.combine_bias(frames, BLUE)
    reasons = rejected(result)
    assert set(reasons) == {1, 3, 4}
    assert "light" in reasons[1]
    assert "other biases" in reasons[3]
    assert "level" in reasons[4]
    assert result.quality["members"] == 3
    clean = combine.combine_bias([frames[i] for i in (0, 2, 5)], BLUE)
    np.testing.assert_array_equal(result.frame.data, clean.frame.data)


def test_a_frame_of_another_size_is_left_out():
    rng = np.random.default_rng(21)
    frames = [*biases(rng, 3), expose(rng, 0.0, shape=(60, 2071))]
    assert "60" in rejected(combine.combine_bias(frames, BLUE))[3]


def test_no_bias_left_and_none_given_are_sentences():
    rng = np.random.default_rng(22)
    with pytest.raises(UnusableFrame, match=r"None of the 3 bias frames .* light"):
        combine.combine_bias([expose(rng, 3000.0) for _ in range(3)], BLUE)
    with pytest.raises(UnusableFrame, match="no frame"):
        combine.combine_bias([], BLUE)
    with pytest.raises(UnusableFrame, match="no light"):
        combine.combine_flat(biases(rng, 3), BLUE, None)


def test_quality_tells_read_noise_and_level():
    quality = combine.combine_bias(biases(np.random.default_rng(23), 8), BLUE).quality
    assert quality["read_noise_e"] == pytest.approx(4.74, rel=0.04)
    assert quality["level_adu"] == pytest.approx(434, abs=4)
    assert quality["level_measured"]


def test_flat_is_the_mean_light_with_honest_variance():
    rng = np.random.default_rng(30)
    master_bias = combine.combine_bias(biases(rng, 10), BLUE).frame
    lamp = [1.0, 0.97, 1.03, 0.99, 1.01]
    frames = [expose(rng, 8000.0 * f) for f in lamp]
    frames[2].data[50:60, 800:810] += 15000.0
    result = combine.combine_flat(frames, BLUE, master_bias)
    light = result.frame.data[2:, 12:2050]
    assert np.median(light) == pytest.approx(8000, rel=0.01)
    pull = (light - np.median(light)) / np.sqrt(result.frame.variance[2:, 12:2050])
    assert pull.std() == pytest.approx(1.0, abs=0.06)
    assert np.abs(light[48:58, 788:798] - 8000).max() < 400
    assert result.quality["lamp_range_percent"] == pytest.approx(6, abs=0.5)
    assert (result.frame.mask[:, :8] & MaskBit.NO_FLAT).all()


def test_saturated_members_are_dropped_at_the_threshold():
    rng = np.random.default_rng(31)
    frames = [expose(rng, 3000.0) for _ in range(4)]
    frames[2].data[:, 300:330] = 65535.0  # 1.5 % of the lit section
    assert "saturated" in rejected(combine.combine_flat(frames, BLUE, None))[2]
    kept = combine.combine_flat(frames, BLUE, None, saturation_threshold=5.0)
    assert not kept.rejected
    assert not (kept.frame.mask[5:, 300:330] & MaskBit.SATURATED).any()  # one of four
    assert np.median(kept.frame.data[5:, 300:330]) == pytest.approx(3000, rel=0.01)
    frames[1].data[:, 300:330] = 65535.0
    kept = combine.combine_flat(frames, BLUE, None, saturation_threshold=5.0)
    assert (kept.frame.mask[5:, 300:330] & MaskBit.SATURATED).all()  # two of four
    for frame in frames:
        frame.data[:, 300:330] = 65535.0
    with pytest.raises(UnusableFrame, match="saturated"):
        combine.combine_flat(frames, BLUE, None)


def test_a_flat_is_judged_by_half_of_the_full_well_and_its_pixels_by_the_whole():
    detector = replace(RED, gain=3.87, read_noise=7.05, saturation=52972.0, half_full_well=26486.0)
    rng = np.random.default_rng(37)
    frames = [expose(rng, 3000.0, detector) for _ in range(4)]
    for frame in frames:
        frame.data[:, 300:310] = 40000.0 + rng.normal(0, 100, (SHAPE[0], 10))
    frames[2].data[:, 310:330] = 30000.0
    result = combine.combine_flat(frames, detector, None)
    assert rejected(result)[2].endswith(" % of its pixels are above half of the full well (26486 ADU)")
    assert set(rejected(result)) == {2}
    assert not (result.frame.mask & MaskBit.SATURATED).any()
    assert result.quality["saturated_percent"] == pytest.approx(100 * 10 / 2046, abs=0.02)


@pytest.mark.parametrize(
    ("members", "saturated", "flagged"), [(10, 1, False), (10, 3, False), (10, 4, True), (3, 1, False), (2, 1, True)]
)
def test_a_few_saturated_members_do_not_spoil_a_pixel_of_the_flat(members, saturated, flagged):
    """A ray or a jump of the lamp saturates some members: the others measure the pixel, without a trace of it."""
    rng = np.random.default_rng(38 + members + saturated)
    light = 66000.0  # 47143 ADU over the level, near the limit of 49928: no clip would tell
    frames = [expose(rng, light) for _ in range(members)]
    for frame in frames[:saturated]:
        frame.data[50, 300:305] = 49928.0
        frame.data[60, 300:305] = 0.0  # wrapped around
        frame.data[70, 300:305] = np.nan
    flat = combine.combine_flat(frames, BLUE, None, saturation_threshold=5.0).frame
    for row, bit in ((50, MaskBit.SATURATED), (60, MaskBit.SATURATED | MaskBit.BAD), (70, MaskBit.BAD)):
        assert (flat.mask[row, 300:305] == (bit if flagged else 0)).all()
        if not flagged:
            assert (np.abs(flat.data[row, 300:305] - light) < 5 * np.sqrt(flat.variance[row, 300:305]) + 10).all()
            expected = np.median(flat.variance[55]) * members / (members - saturated)
            assert np.median(flat.variance[row, 300:305]) == pytest.approx(expected, rel=0.05)
    assert np.isfinite(flat.data).all()


def test_lamp_off_or_half_as_bright_is_dropped():
    rng = np.random.default_rng(32)
    frames = [expose(rng, e) for e in (5000.0, 0.0, 5050.0, 1200.0, 4950.0)]
    reasons = rejected(combine.combine_flat(frames, BLUE, None))
    assert set(reasons) == {1, 3}
    assert "lamp" in reasons[1]


def test_masters_without_dark_columns_keep_the_absolute_level():
    rng = np.random.default_rng(33)
    frames = biases(rng, 5, RED, shape=(200, 300))
    master = combine.combine_bias(frames, RED)
    assert bias.LEVEL_CARD not in master.frame.header
    assert np.median(master.frame.data) == pytest.approx(436 * RED.gain, rel=0.01)
    raw = expose(rng, 250.0, RED, shape=(200, 300))
    frame = bias.subtract(raw, RED, master.frame, (slice(1, 200), slice(0, 300))).frame
    assert np.median(frame.data) == pytest.approx(250, abs=3)


def test_nan_pixels_do_not_spread():
    rng = np.random.default_rng(34)
    frames = biases(rng, 4)
    frames[0].data[5, 5] = np.nan
    frames[1] = RawFrame(np.full(SHAPE, np.nan, np.float32), frames[1].header)
    result = combine.combine_bias(frames, BLUE)
    assert 1 in rejected(result)
    assert np.isfinite(result.frame.data).all()


def test_the_real_night_gives_one_bias_and_one_flat(shared_data):
    from chalicelib.science import rawfile

    folder = shared_data / "sn2018oh_blue_20180204"
    read = lambda pattern: [rawfile.read_raw(p.read_bytes()) for p in sorted(folder.glob(pattern))]  # noqa: E731
    master = combine.combine_bias(read("*Zero*"), BLUE)
    assert (master.quality["members"], master.rejected) == (10, [])
    assert 4.5 < master.quality["read_noise_e"] < 5.3
    flat = combine.combine_flat(read("*QuFlat*"), BLUE, master.frame)
    assert (flat.quality["members"], flat.rejected) == (10, [])
    mixed = combine.combine_bias([*read("*Zero*")[:5], *read("*AT2018*")[:1]], BLUE)
    assert set(rejected(mixed)) == {5}
