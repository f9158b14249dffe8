"""The level of one frame from its own dark columns."""

from __future__ import annotations

import numpy as np
import pytest

from chalicelib.science import overscan
from chalicelib.science.frame import Detector
from tests.science.readout import BLUE, RED, SHAPE, expose


@pytest.mark.parametrize("detector", [BLUE, RED], ids=["Blue", "Red"])
def test_drift_from_frame_to_frame_is_seen_to_a_fifth_of_an_adu(detector):
    rng = np.random.default_rng(3)
    drift = [-1.0, -0.3, 0.0, 0.6, 1.0]
    levels = [overscan.level(expose(rng, 500.0, detector, level=434 + d).data, detector) for d in drift]
    assert all(level.measured for level in levels)
    found = np.array([level.value for level in levels])
    np.testing.assert_allclose(found - found.mean(), np.array(drift) - np.mean(drift), atol=0.2)
    assert 0.02 < levels[0].error < 0.2


def test_a_cosmic_ray_on_the_prescan_does_not_move_the_level():
    data = expose(np.random.default_rng(4), 50.0).data
    before = overscan.level(data, BLUE).value
    data[40:44, 2:6] = 30000.0
    assert overscan.level(data, BLUE).value == pytest.approx(before, abs=0.05)


def test_light_on_the_prescan_is_not_taken_for_the_level():
    rng = np.random.default_rng(5)
    raw = expose(rng, 30.0)
    raw.data[:, :8] += 200.0
    level = overscan.level(raw.data, BLUE)
    assert not level.measured
    assert "brighter" in level.reason
    assert level.value == pytest.approx(434 + 30 / 1.4, abs=6)


@pytest.mark.parametrize(
    ("shape", "detector"),
    [((SHAPE[0], 1548), RED), (SHAPE, Detector("", 1.4, 4.7, 5e4, (2, 2)))],
    ids=["imaging readout", "unknown camera"],
)
def test_readouts_without_dark_columns_say_so(shape, detector):
    level = overscan.level(expose(np.random.default_rng(6), 20.0, RED, shape=shape).data, detector)
    assert not level.measured
    assert level.reason


def test_the_real_night_drifts_by_less_than_two_adu(shared_data):
    from chalicelib.science import rawfile

    folder = shared_data / "sn2018oh_blue_20180204"
    levels = [overscan.level(rawfile.read_raw(p.read_bytes()).data, BLUE) for p in folder.glob("*Zero*")]
    values = [level.value for level in levels]
    assert all(level.measured for level in levels)
    assert 0.2 < np.ptp(values) < 2
    assert 432 < np.mean(values) < 435
