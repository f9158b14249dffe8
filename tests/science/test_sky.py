"""The sky: spline, tilt, and what remains of sky lines."""

from __future__ import annotations

import numpy as np
import pytest

from chalicelib.science.extraction import analyse
from chalicelib.science.sky import fit_slit_sky, target_free_rows
from chalicelib.science.spline import fit_spline
from chalicelib.science.tilt import LineTilt, no_tilt

from .longslit import READ_NOISE, LongSlit, Source


def test_spline_recovers_a_line_sampled_at_many_phases():
    rng = np.random.default_rng(3)
    position = rng.uniform(0, 199, 20000)

    def truth(u):
        return 50 + 900 * np.exp(-0.5 * ((u - 97.3) / 1.1) ** 2)

    value = truth(position) + rng.normal(0, 3, position.size)
    spline, variance = fit_spline(position, value, np.full(position.size, 1 / 9), 200, knots=2)
    at = np.linspace(5, 195, 999)
    error = spline(at) - truth(at)
    line = np.abs(at - 97.3) < 4
    assert np.std(error[~line]) < 0.9
    assert np.abs(error[line]).max() < 0.006 * 900
    assert np.median(variance) == pytest.approx(9 / 100, rel=0.2)


def test_spline_bridges_a_gap_and_says_it_knows_nothing():
    position = np.repeat(np.arange(100.0), 5)
    keep = (position < 40) | (position > 44)
    spline, variance = fit_spline(position[keep], 3 + 0.1 * position[keep], np.ones(keep.sum()), 100)
    np.testing.assert_allclose(spline(np.arange(2, 98.0)), 3 + 0.1 * np.arange(2, 98), atol=0.02)
    assert np.isinf(variance[40:45]).all()


def test_spline_without_votes_is_zero():
    spline, variance = fit_spline(np.zeros(0), np.zeros(0), np.zeros(0), 10)
    assert not spline(np.arange(10.0)).any()
    assert np.isinf(variance).all()


def test_tilt_helpers_agree():
    tilt = LineTilt(((0.4, 0.1), (-0.3, 0.05)), (100, 500))
    x, y = np.meshgrid(np.arange(500), np.arange(100))
    np.testing.assert_allclose(tilt.sky_column(x, y), x - tilt.shift(x, y), atol=1e-3)
    assert no_tilt((100, 500)).span == 0


@pytest.mark.parametrize("moon", [False, True])
def test_tilt_is_measured_on_emission_and_on_absorption(moon):
    slit = LongSlit(sources=[Source(800, 82)], moon=moon, sky=300 if moon else 40, tilt=0.6, curvature=-0.3)
    frame = slit.frame()
    tilt = fit_slit_sky(frame.data, frame.variance, frame.mask == 0).tilt
    rows = np.arange(frame.shape[0])
    eta = 2 * rows / (frame.shape[0] - 1) - 1
    np.testing.assert_allclose(tilt.shift(450, rows), 0.6 * eta - 0.3 * eta**2, atol=0.08)


def test_sky_without_features_has_no_tilt():
    slit = LongSlit(lines=0, tilt=0.8)
    frame = slit.frame()
    assert fit_slit_sky(frame.data, frame.variance, frame.mask == 0).tilt.is_zero


def test_rows_with_targets_are_left_out():
    slit = LongSlit(sources=[Source(800, 82)], slope=0, bend=0)
    frame = slit.frame()
    rows = target_free_rows(frame.data, frame.mask == 0)
    assert not rows[79:86].any()
    assert rows.sum() > 100


def test_unlit_rows_do_not_matter():
    slit = LongSlit(sources=[Source(800, 82)])
    frame = slit.frame()
    mask = frame.mask.copy()
    mask[:12] = 16
    dark = frame.data.copy()
    dark[:12] = 0
    one = analyse(frame.with_data(mask=mask)).spectra[0]
    two = analyse(frame.with_data(mask=mask, data=dark)).spectra[0]
    np.testing.assert_array_equal(one.flux, two.flux)


def test_sky_lines_leave_no_more_than_noise():
    slit = LongSlit(sources=[Source(300, 82)], line_height=3000, tilt=0.7, curvature=0.4)
    mean, lines = slit.mean(), None
    pulls = []
    for seed in range(5):
        spectrum = analyse(slit.frame(mean, seed)).spectra[0]
        pulls.append((spectrum.flux - 300) / spectrum.error)
        lines = slit.sky_image()[82] > 5 * slit.sky + READ_NOISE
    pulls = np.array(pulls)[:, lines]
    assert np.count_nonzero(lines) > 40
    assert np.mean(pulls**2) < 1.15


def test_illumination_along_the_slit_is_followed():
    slit = LongSlit(sources=[Source(800, 82)], illumination=0.1)
    spectrum = analyse(slit.frame()).spectra[0]
    assert spectrum.flux.sum(dtype=float) == pytest.approx(800 * 900, rel=0.01)
