"""Spatial profiles and the search for targets."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chalicelib.science.profile import collapse, find_candidate, profile_value, running_background


@pytest.mark.parametrize("beta", [2.0, 3.0, 4.7, math.inf])
@pytest.mark.parametrize("fwhm", [2.5, 4.0, 9.0])
def test_profile_holds_all_the_light(beta, fwhm):
    offset = np.arange(-4000, 4001) + 0.3
    assert profile_value(offset, fwhm, beta).sum() == pytest.approx(1, abs=2e-3)


def test_profile_is_integrated_over_the_pixel():
    fine = (np.arange(1001) - 500) / 1001
    for offset in (0.0, 0.4, 1.3, 3.0):
        sigma = 3.0 / 2.3548200450309493
        truth = np.mean(np.exp(-0.5 * ((offset + fine) / sigma) ** 2)) / (sigma * math.sqrt(2 * math.pi))
        assert profile_value(np.array(offset), 3.0, math.inf) == pytest.approx(truth, rel=1e-4)


def test_width_is_the_full_width_at_half_maximum():
    for beta in (2.5, 5.0, math.inf):
        peak, half = profile_value(np.array([0.0, 50.0]), 100.0, beta)
        assert half / peak == pytest.approx(0.5, abs=1e-3)


def test_collapse_averages_and_rejects_a_ray():
    rng = np.random.default_rng(5)
    data = (20 + rng.normal(0, 2, (12, 640))).astype(np.float32)
    data[4, 103:107] += 5000
    good = np.ones(data.shape, bool)
    good[7, 320:640] = False
    result = collapse(data, np.full(data.shape, 4, np.float32), good, blocks=32)
    assert result.value.shape == (32, 12)
    finite = np.isfinite(result.variance)
    assert not finite[16:, 7].any()
    pull = (result.value - 20) / np.sqrt(result.variance)
    assert np.abs(pull[finite]).max() < 4.5
    np.testing.assert_allclose(result.variance[0, 0], 4 / 20, rtol=1e-5)


def test_candidate_is_the_target_and_its_drift():
    rng = np.random.default_rng(2)
    rows, columns = np.arange(120)[:, None], np.arange(800)[None, :]
    xi = 2 * columns / 799 - 1
    light = 4 * profile_value(rows - (60 + 8 * xi), 4.0, 3.0)
    data = (light + rng.normal(0, 3, (120, 800))).astype(np.float32)
    collapsed = collapse(data, np.full(data.shape, 9, np.float32), np.ones(data.shape, bool))
    shapes = [(float(s), 0.0) for s in range(-12, 13, 2)]
    best = find_candidate(collapsed, shapes, (3.0, 4.5), np.zeros(120, bool))
    assert best is not None
    assert best.slope == 8
    assert best.row == pytest.approx(60, abs=1)
    expected = math.sqrt(800 * np.sum((4 * profile_value(np.arange(-20, 21.0), 4.0, 3.0)) ** 2) / 9)
    assert best.significance == pytest.approx(expected, abs=2.5)


def test_nothing_usable_gives_no_candidate():
    data = np.zeros((30, 200), np.float32)
    collapsed = collapse(data, np.ones_like(data), np.zeros(data.shape, bool))
    assert find_candidate(collapsed, [(0.0, 0.0)], (4.0,), np.zeros(30, bool)) is None


def test_background_follows_the_slit_and_not_the_target():
    rows = np.arange(200)
    slope = 0.05 * rows
    data = np.repeat((slope + 300 * profile_value(rows - 100.0, 5.0, 3.0))[:, None], 320, axis=1).astype(np.float32)
    collapsed = collapse(data, np.ones_like(data), np.ones(data.shape, bool), blocks=8)
    exclude = np.broadcast_to(np.abs(rows - 100) < 15, collapsed.value.shape)
    background = running_background(collapsed, exclude, 30)
    np.testing.assert_allclose(background[:, 40:160], np.broadcast_to(slope, (8, 200))[:, 40:160], atol=0.9)
